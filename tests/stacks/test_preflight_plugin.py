"""Preflight as a validation plug-in: in an app of anybody, and under the real cdk."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import Acknowledgment, App, Environment, NestedStack, Stack, Stage, Validations
from aws_cdk import aws_sagemaker as sagemaker

from sagemaker_hosting import Preflight
from slipway.preflight import rules
from slipway.preflight.inputs import sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from constructs import Construct

    from slipway.preflight import Rule, Template, Violation

ROOT = Path(__file__).parents[2]
PLACE = Environment(account="111122223333", region="eu-west-1")


def config(scope: Construct, **changed: Any) -> sagemaker.CfnEndpointConfig:
    """Without a finding, but for what is changed."""
    variant = {"variantName": "only", "modelName": "m", "initialVariantWeight": 1, "initialInstanceCount": 2}
    variants = [{**variant, "instanceType": "ml.m5.large", **changed}]
    return sagemaker.CfnEndpointConfig(scope, "Config", kms_key_id="k", production_variants=variants)


@pytest.fixture
def app(tmp_path: Path) -> App:
    made = App(
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
        context={"aws:cdk:enable-path-metadata": True},  # as the CLI says
        outdir=str(tmp_path / "cdk.out"),
    )
    Validations.of(made).add_plugins(Preflight())
    return made


def test_good_app_passes(app: App) -> None:
    config(Stack(app, "Good", env=PLACE))
    app.synth()


def test_error_stops_synth_with_path_message_mend_and_rule(app: App) -> None:
    config(Stack(app, "Bad", env=PLACE), instanceType="ml.m5.huge")
    with pytest.raises(RuntimeError) as refused:
        app.synth()
    said = str(refused.value)
    assert "ERROR ProductionVariants[0].InstanceType: 'ml.m5.huge' is not a hosting type" in said
    assert "Bad/Config" in said
    assert "Suggested fix: write a hosting type" in said
    assert "slipway::UnknownInstanceType" in said


def test_warning_does_not_stop_synth(app: App) -> None:
    config(Stack(app, "Lonely", env=PLACE), initialInstanceCount=1)
    app.synth()
    report = (Path(app.outdir) / "validation-report.json").read_text(encoding="utf-8")
    assert "SingleInstance" in report


def nested(app: App) -> Construct:
    return NestedStack(Stack(app, "Outer", env=PLACE), "Inner")


def staged(app: App) -> Construct:
    return Stack(Stage(app, "Prod", env=PLACE), "Inner")


@pytest.mark.parametrize("inner", [nested, staged])
def test_stack_inside_of_another_or_of_a_stage_is_checked(app: App, inner: Callable[[App], Construct]) -> None:
    config(inner(app), instanceType="ml.m5.huge")
    with pytest.raises(RuntimeError, match=r"Inner/Config"):
        app.synth()


def by_metadata(made: sagemaker.CfnEndpointConfig) -> None:
    made.add_metadata("slipway", {"acknowledge": {"UnknownInstanceType": "new, and allowed for us"}})


def by_validations(made: sagemaker.CfnEndpointConfig) -> None:
    accepted = Acknowledgment(id="slipway::UnknownInstanceType", reason="new, and allowed for us")
    Validations.of(Stack.of(made)).acknowledge(accepted)


@pytest.mark.parametrize("accept", [by_metadata, by_validations])
@pytest.mark.parametrize("inner", [nested, staged])
def test_acknowledged_error_passes_and_is_reported_as_such(
    app: App, inner: Callable[[App], Construct], accept: Callable[[sagemaker.CfnEndpointConfig], None]
) -> None:
    accept(config(inner(app), instanceType="ml.m5.huge"))
    app.synth()
    found = [
        finding
        for source in sources(Path(app.outdir), region=None)
        for finding in source.check(lambda rule, error: pytest.fail(f"{rule.id}: {error}")).findings
    ]
    assert [(each.rule, each.acknowledged) for each in found] == [("UnknownInstanceType", "new, and allowed for us")]


def test_rule_that_breaks_stops_synth_and_is_named(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    [victim] = [rule for rule in rules() if rule.id == "VolumeOnNvme"]

    def broken(self: Rule, template: Template) -> Iterator[Violation]:  # noqa: ARG001  as it is called
        raise LookupError("no such key")

    monkeypatch.setattr(type(victim), "violations", broken)
    config(Stack(app, "Good", env=PLACE))
    with pytest.raises(RuntimeError, match="a fault in slipway itself: LookupError: no such key"):
        app.synth()


PROGRAM = """
import os
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
from aws_cdk import App, Environment, Stack, Validations
from aws_cdk import aws_sagemaker as sagemaker
from sagemaker_hosting import Preflight

app = App(analytics_reporting=False)
Validations.of(app).add_plugins(Preflight())
stack = Stack(app, "Theirs", env=Environment(account="111122223333", region="eu-west-1"))
variant = {"variantName": "a", "modelName": "m", "initialVariantWeight": 1, "initialInstanceCount": 1}
sagemaker.CfnEndpointConfig(
    stack, "Config", kms_key_id="k", production_variants=[{**variant, "instanceType": os.environ["TYPE"]}]
)
app.synth()
"""


@pytest.mark.parametrize(("kind", "code"), [("ml.m5.huge", 1), ("ml.m5.large", 0)])
def test_real_cdk_fails_for_an_error_and_shows_a_warning(tmp_path: Path, kind: str, code: int) -> None:
    (tmp_path / "app.py").write_text(textwrap.dedent(PROGRAM), encoding="utf-8")
    done = subprocess.run(
        [ROOT / "node_modules" / ".bin" / "cdk", "synth", "--quiet", "--app", f"{sys.executable} app.py"],
        cwd=tmp_path,
        env={**os.environ, "CDK_VALIDATION": "false", "TYPE": kind},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == code, done.stderr
    assert "WARNING ProductionVariants[0].InitialInstanceCount" in done.stderr
    assert ("ERROR ProductionVariants[0].InstanceType" in done.stderr) is (code == 1)
    assert ("write a hosting type" in done.stderr) is (code == 1)
