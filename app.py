"""The door of the CDK: read what one environment deploys, and define its stacks.

``npx cdk synth -c environment=dev``; without the context it is ``local``. ``-c part=build`` defines only the stack that
models are built by, which stands before there is an artifact to deploy.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Before jsii starts its Node process: Node 20 works, and its notice of end of life is 11 lines at every synth.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

from sagemaker_hosting import Preflight
from slipway.specs import Project, SlipwayError
from stacks import define_part


def main() -> int:
    """Write the cloud assembly of one environment; the exit code is the error's."""
    app = App(analytics_reporting=False)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app), Preflight())
    try:
        name, part = (app.node.try_get_context(key) for key in ("environment", "part"))
        define_part(app, Project(Path.cwd()), str(name or "local"), part, Path(__file__).resolve().parent)
    except SlipwayError as error:
        print(error, file=sys.stderr)  # noqa: T201  the CLI shows it as it is
        return error.exit_code
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
