"""What others check: cdk-nag, CloudFormation's own validator, cfn-lint."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import Acknowledgment, App, Validations
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

from sagemaker_hosting import acknowledge as helpers
from slipway.specs import Project
from stacks import define
from stacks.shared_stack import SharedStack

if TYPE_CHECKING:
    from constructs import IConstruct

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
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app))
    return app


class Recorded:
    """Stands in for CDK's Validations: every acknowledgement is written down and none takes effect."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str, str]] = []

    def of(self, construct: IConstruct) -> Recorder:
        return Recorder(self, construct.node.path)


@dataclass(frozen=True)
class Recorder:
    recorded: Recorded
    path: str

    def acknowledge(self, *accepted: Acknowledgment) -> None:
        for one in accepted:
            self.recorded.entries.append((self.path, one.id, one.reason))


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    found = Recorded()
    monkeypatch.setattr(helpers, "Validations", found)
    return found


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_finding_is_unacknowledged(checked_app: App, project: Path, sources: Path, environment: str) -> None:
    define(checked_app, deployment=Project(project).deployment(environment), source_root=sources)
    checked_app.synth()


def findings(app: App) -> set[tuple[str, str]]:
    """Every rule that is broken, with the path of the resource that breaks it."""
    return {
        (violation.rule_name, str(resource.construct_path))
        for pack in (AwsSolutionsChecks(app), NIST80053R5Checks(app))
        for violation in pack.validate_scope(app).violations
        for resource in violation.violating_resources
    }


@pytest.mark.parametrize("rule", ["AwsSolutions-S10", "NIST.800.53.R5-S3BucketReplicationEnabled"])
def test_findings_of_either_pack_end_the_synth(checked_app: App, project: Path, rule: str) -> None:
    stack = SharedStack(checked_app, deployment=Project(project).deployment("dev"))
    s3.Bucket(stack, "Careless")
    with pytest.raises(RuntimeError, match=rule):
        checked_app.synth()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_acknowledgement_has_its_sentence_and_a_finding(
    recorded: Recorded, flags: dict[str, Any], project: Path, sources: Path, environment: str
) -> None:
    app = App(analytics_reporting=False, context=flags)
    define(app, deployment=Project(project).deployment(environment), source_root=sources)
    found = findings(app)
    assert len(recorded.entries) > 20
    assert [entry for entry in recorded.entries if len(entry[2]) <= 20 or len(entry[2].split()) <= 5] == []
    idle = [
        (path, rule)
        for path, rule, _ in recorded.entries
        if not any(rule == broken and f"{where}/".startswith(f"{path}/") for broken, where in found)
    ]
    assert idle == [], "acknowledged, and found nowhere"


def test_cfn_lint_finds_no_error(assemblies: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    templates = [str(path) for out, _ in assemblies.values() for path in sorted(out.glob("*.template.json"))]
    lint = Path(sys.executable).parent / "cfn-lint"
    # Warnings are CDK's own habits: a DependsOn that a GetAtt implies.
    checked = subprocess.run(
        [str(lint), "--non-zero-exit-code", "error", *templates], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
