"""A CDK app that includes every template in a stack of its own, and leaves the report of a validator in its assembly.

Run by ``tools.py`` in a process of its own: ``include.py MODE MANIFEST OUT``, MODE ``nag`` or ``validator``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from aws_cdk import App, Environment, LegacyStackSynthesizer, Stack, Validations
from aws_cdk.cloudformation_include import CfnInclude
from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks, ServerlessChecks

PACKS = (AwsSolutionsChecks, NIST80053R5Checks, HIPAASecurityChecks, PCIDSS321Checks, ServerlessChecks)
CONTEXT = {"@aws-cdk/core:validateAgainstDefaultRules": True, "@aws-cdk/core:validationReportJson": True}


def main(mode: str, manifest: Path, out: Path) -> None:
    """Synthesise; what could not be included is written beside the report."""
    app = App(
        analytics_reporting=False,
        builtin_cloud_formation_validation=mode == "validator",
        context=CONTEXT,
        outdir=str(out),
    )
    if mode == "nag":
        Validations.of(app).add_plugins(*(pack(app) for pack in PACKS))
    refused = {}
    for name, (path, region) in json.loads(manifest.read_text()).items():
        alone = App(analytics_reporting=False, builtin_cloud_formation_validation=False, outdir=f"{out}-{name}")
        try:
            include(alone, name, path, region)
            alone.synth()
        except RuntimeError as error:  # what jsii makes of every JavaScript error, and would end the app of all
            refused[name] = str(error).splitlines()[0]
        else:
            include(app, name, path, region)
    try:
        app.synth()
    except RuntimeError as error:
        if "Validation failed" not in str(error):
            raise
    (out / "refused.json").write_text(json.dumps(refused))


def include(app: App, name: str, path: str, region: str) -> None:
    """Put one template into a stack."""
    place = Environment(account="111122223333", region=region)
    CfnInclude(Stack(app, name, env=place, synthesizer=LegacyStackSynthesizer()), "T", template_file=path)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
