"""The door of the CDK: read what one environment deploys, and define its stacks.

``npx cdk synth -c environment=dev``; without the context it is ``local``. ``-c part=build`` defines only the stack that
models are built by, which stands before there is an artifact to deploy.
"""

from __future__ import annotations

import os
from pathlib import Path

from slipway.ending import end_plainly

end_plainly()  # with an error's own exit code; before what takes long to import
# Before jsii starts its Node process: Node 20 works, and its notice of end of life is 11 lines at every synth.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

from sagemaker_hosting import Preflight
from slipway.specs import Project
from stacks import define_part


def main() -> None:
    """Write the cloud assembly of one environment."""
    app = App(analytics_reporting=False)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app), Preflight())
    name, part = (app.node.try_get_context(key) for key in ("environment", "part"))
    define_part(app, Project(Path.cwd()), str(name or "local"), part, Path(__file__).resolve().parent)
    app.synth()


if __name__ == "__main__":
    main()
