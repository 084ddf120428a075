"""What others check: cdk-nag, CloudFormation's own validator, cfn-lint."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Validations
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

from slipway.specs import Project
from stacks import define
from stacks.shared_stack import SharedStack

ENVIRONMENTS = ("local", "dev", "staging", "prod")


@pytest.fixture
def checked_app(tmp_path: Path, flags: dict[str, Any]) -> App:
    """As app.py makes it, with the validator that the CLI runs."""
    app = App(
        analytics_reporting=False,
        builtin_cloud_formation_validation=True,
        context=flags,
        outdir=str(tmp_path / "cdk.out"),
    )
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_finding_is_unacknowledged(checked_app: App, project: Path, sources: Path, environment: str) -> None:
    define(checked_app, deployment=Project(project).deployment(environment), source_root=sources)
    checked_app.synth()


def test_findings_end_the_synth(checked_app: App, project: Path) -> None:
    stack = SharedStack(checked_app, deployment=Project(project).deployment("dev"))
    s3.Bucket(stack, "Careless")
    with pytest.raises(RuntimeError, match="AwsSolutions-S10"):
        checked_app.synth()


def test_every_acknowledgement_has_a_reason(checked_app: App, project: Path, sources: Path) -> None:
    define(checked_app, deployment=Project(project).deployment("prod"), source_root=sources)
    reasons = [
        reason
        for construct in checked_app.node.find_all()
        for entry in construct.node.metadata
        if entry.type == "aws:cdk:acknowledged-rules"
        for reason in entry.data.values()
    ]
    assert len(reasons) > 5
    assert all(len(str(reason).split()) > 5 for reason in reasons)


def test_cfn_lint_finds_no_error(assemblies: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    templates = [str(path) for out, _ in assemblies.values() for path in sorted(out.glob("*.template.json"))]
    lint = Path(sys.executable).parent / "cfn-lint"
    # Warnings are CDK's own habits: a DependsOn that a GetAtt implies.
    checked = subprocess.run(
        [str(lint), "--non-zero-exit-code", "error", *templates], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
