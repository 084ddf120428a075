"""The stack that builds models: what its jobs are, what they may, and what the workflow does with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from aws_cdk import App

from slipway.specs import Project, UsageError
from slipway.specs.request import EXPECTED_FILE
from stacks import define_builds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Get = Callable[[str, str], dict[str, Any]]
    Of = Callable[[dict[str, Any], str], list[dict[str, Any]]]


def flat(value: Any) -> str:
    """What a joined text comes to, references in angle brackets."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        return "".join(flat(part) for part in value["Fn::Join"][1])
    return "<" + ".".join(str(part) for part in next(iter(value.values()))) + ">" if "Fn::GetAtt" in value else "<ref>"


def workflow(template: dict[str, Any], of_type: Of) -> dict[str, Any]:
    [machine] = of_type(template, "StepFunctions::StateMachine")
    found: dict[str, Any] = json.loads(flat(machine["Properties"]["DefinitionString"]))
    return found


def statements(template: dict[str, Any], of_type: Of) -> dict[str, Any]:
    """Resources by action."""
    held = [policy["Properties"]["PolicyDocument"]["Statement"] for policy in of_type(template, "IAM::Policy")]
    allowed: dict[str, Any] = {}
    for entry in (one for policy in held for one in policy):
        for action in entry["Action"] if isinstance(entry["Action"], list) else [entry["Action"]]:
            allowed.setdefault(action, []).append(entry["Resource"])
    return allowed


def test_every_member_of_the_job_is_one_that_sagemaker_takes(template: Get, of_type: Of) -> None:
    job = workflow(template("prod", "build"), of_type)["States"]["EachModel"]["ItemProcessor"]["States"]["Build"]
    shape = botocore.session.get_session().get_service_model("sagemaker").operation_model("CreateProcessingJob")

    def check(value: Any, of: Any, where: str) -> None:
        if of.type_name == "structure" and isinstance(value, dict):
            assert set(value) <= set(of.members), where
            for name, item in value.items():
                check(item, of.members[name], f"{where}.{name}")
        elif of.type_name == "list" and isinstance(value, list):
            for item in value:
                check(item, of.member, where)

    check(job["Arguments"], shape.input_shape, "CreateProcessingJob")
    written = {*job["Arguments"], "ProcessingResources"}
    assert set(shape.input_shape.required_members) <= written
    assert job["Arguments"]["NetworkConfig"]["VpcConfig"]["Subnets"]


def test_job_runs_model_build_on_what_was_uploaded(template: Get, of_type: Of) -> None:
    job = workflow(template("dev", "build"), of_type)["States"]["EachModel"]["ItemProcessor"]["States"]["Build"]
    application = job["Arguments"]["AppSpecification"]
    assert application["ContainerEntrypoint"] == ["python", "-m", "model_build"]
    [given] = job["Arguments"]["ProcessingInputs"]
    assert f"'{given['S3Input']['LocalPath']}/{EXPECTED_FILE}'" in application["ContainerArguments"]


def test_jobs_roles_read_sources_and_write_artifacts_and_nothing_else(template: Get, of_type: Of) -> None:
    allowed = statements(template("dev", "build"), of_type)
    for action, folder in (("s3:GetObject", "/sources/*"), ("s3:PutObject", "/artifacts/*")):
        resources = [flat(resource) for resource in allowed[action]]
        assert len(resources) == 2  # of processing jobs and of optimization jobs
        assert all(resource.endswith(folder) for resource in resources)
    assert not [action for action in allowed if action.startswith("s3:Delete")]
    processing, others = allowed["logs:PutLogEvents"]
    logs = [flat(resource) for resource in (processing, *others)]
    assert [resource.split("/")[-1] for resource in logs] == [
        f"{kind}Jobs:*" for kind in ("Processing", "Compilation", "Optimization")
    ]


@pytest.mark.parametrize(("environment", "placed"), [("dev", False), ("prod", True)])
def test_stack_tells_what_optimization_jobs_need(
    template: Get,
    environment: str,
    placed: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    outputs = template(environment, "build")["Outputs"]
    assert "OptimizationRole" in outputs["OptimizationRoleArn"]["Value"]["Fn::GetAtt"][0]
    assert ("BuildSubnets" in outputs, "BuildSecurityGroups" in outputs) == (placed, placed)
    if placed:
        assert flat(outputs["BuildSubnets"]["Value"]).startswith("subnet-")


def test_machine_runs_only_jobs_of_its_own_and_hands_on_one_role(template: Get, of_type: Of) -> None:
    allowed = statements(template("dev", "build"), of_type)
    [jobs] = allowed["sagemaker:CreateProcessingJob"]
    assert flat(jobs).endswith(":processing-job/slipway-dev-build-*")
    [passed] = allowed["iam:PassRole"]
    assert "JobRole" in flat(passed)


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_only_what_was_uploaded_expires(template: Get, of_type: Of, environment: str) -> None:
    buckets = of_type(template(environment, "build"), "S3::Bucket")
    rules = [bucket["Properties"]["LifecycleConfiguration"]["Rules"] for bucket in buckets]
    [artifacts] = [rule for rule in rules if len(rule) == 2]
    assert [(rule.get("Prefix"), rule.get("ExpirationInDays")) for rule in artifacts] == [
        ("sources/", 30),
        (None, None),
    ]


def test_stack_stands_alone_before_any_model_is_built(
    project: Path, sources: Path, flags: dict[str, Any], tmp_path: Path
) -> None:
    app = App(analytics_reporting=False, context=flags, outdir=str(tmp_path / "out"))
    environment = Project(project).environment("dev")
    define_builds(app, name="dev", environment=environment, source_root=sources)
    app.synth()
    [template] = (tmp_path / "out").glob("*.template.json")
    assert template.name == "slipway-dev-build.template.json"
    assert "Fn::ImportValue" not in template.read_text(encoding="utf-8")


def test_environment_that_builds_nothing_is_bad_usage(project: Path, sources: Path, flags: dict[str, Any]) -> None:
    app = App(analytics_reporting=False, context=flags)
    with pytest.raises(UsageError, match=r"environments/staging\.yaml has no 'builds'"):
        define_builds(app, name="staging", environment=Project(project).environment("staging"), source_root=sources)
