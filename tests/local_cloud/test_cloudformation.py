from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_cloud.conftest import IMAGE, PATIENCE_SECONDS, ROLE, eventually, gated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.local_cloud.conftest import Aws

pytestmark = pytest.mark.local_cloud

STACK = "stack"


def template(url: str, **changes: dict[str, Any]) -> str:
    """A model, its config and its endpoint; changes add properties by resource."""
    resources = {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {
                "ExecutionRoleArn": ROLE,
                "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": url},
                **changes.get("Model", {}),
            },
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {
                "ProductionVariants": [
                    {
                        "VariantName": "main",
                        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                        "InitialInstanceCount": "1",  # as a parameter would give it
                        "InstanceType": "ml.c7i.xlarge",
                    }
                ],
                **changes.get("Config", {}),
            },
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": "reader",
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                **changes.get("Endpoint", {}),
            },
        },
    }
    outputs = {name: {"Value": {"Ref": name}} for name in resources}
    return json.dumps({"Resources": {**resources, **changes.get("Resources", {})}, "Outputs": outputs})


class Stack:
    """One stack, deployed by CloudFormation's own API."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def create(self, body: str, **more: Any) -> str:
        self._aws.cloudformation.create_stack(StackName=STACK, TemplateBody=body, **more)
        return self.settled()

    def update(self, body: str, **more: Any) -> str:
        self._aws.cloudformation.update_stack(StackName=STACK, TemplateBody=body, **more)
        return self.settled()

    def found(self) -> dict[str, Any]:
        found: dict[str, Any] = self._aws.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        return found

    def settled(self) -> str:
        end = time.monotonic() + PATIENCE_SECONDS
        while (status := str(self.found()["StackStatus"])).endswith("IN_PROGRESS"):
            assert time.monotonic() < end, status
            time.sleep(0.05)
        return status

    def reasons(self) -> str:
        events = self._aws.cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
        return "\n".join(f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}" for event in failed)


@pytest.fixture
def stack(aws: Aws) -> Iterator[Stack]:
    yield Stack(aws)
    aws.cloudformation.delete_stack(StackName=STACK)
    eventually(lambda: not aws.sagemaker.list_models()["Models"])


def test_refs_are_arns_and_names_are_attributes(aws: Aws, stack: Stack, archive: Callable[[int], bytes]) -> None:
    assert stack.create(template(aws.upload("a", archive(1)))) == "CREATE_COMPLETE", stack.reasons()
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.found()["Outputs"]}
    assert outputs["Endpoint"] == "arn:aws:sagemaker:us-east-1:000000000000:endpoint/reader"
    assert outputs["Model"].startswith("arn:aws:sagemaker:us-east-1:000000000000:model/stack-model-")
    assert aws.label("reader") == "1"


def test_failed_creation_rolls_the_stack_back(
    aws: Aws, stack: Stack, pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    assert stack.create(template(aws.upload("broken", pack({"nothing": b""})))) == "ROLLBACK_COMPLETE"
    assert "Endpoint: The primary container for production variant main did not pass the ping" in stack.reasons()
    assert aws.cloud.endpoints() == []
    assert aws.sagemaker.list_models()["Models"] == []


def test_failed_update_rolls_back_to_what_served_before(
    aws: Aws, stack: Stack, archive: Callable[[int], bytes]
) -> None:
    assert stack.create(template(aws.upload("a", archive(1)))) == "CREATE_COMPLETE", stack.reasons()
    before = aws.sagemaker.list_models()["Models"]
    with aws.firing("reader", threads=1) as fired:
        assert stack.update(template(aws.upload("b", b"broken"))) == "UPDATE_ROLLBACK_COMPLETE"
    assert not fired.errors
    assert set(fired.labels) == {"1"}
    assert "Not a gzipped file" in stack.reasons()
    assert aws.sagemaker.list_models()["Models"] == before


def test_update_is_undone_when_a_later_resource_fails(aws: Aws, stack: Stack, archive: Callable[[int], bytes]) -> None:
    first = aws.upload("a", archive(1))
    assert stack.create(template(first)) == "CREATE_COMPLETE", stack.reasons()
    late = {"Type": "AWS::SageMaker::Pipeline", "DependsOn": "Endpoint", "Properties": {}}
    body = template(aws.upload("b", archive(2)), Resources={"Late": late})
    with aws.firing("reader", threads=1) as fired:
        assert stack.update(body) == "UPDATE_ROLLBACK_COMPLETE", stack.reasons()
    assert "Late: AWS::SageMaker::Pipeline is not modelled in Slipway's local cloud" in stack.reasons()
    assert not fired.errors
    assert "2" in fired.labels
    assert aws.label("reader") == "1"


def test_tags_change_in_place(aws: Aws, stack: Stack, archive: Callable[[int], bytes]) -> None:
    url = aws.upload("a", archive(1))
    assert stack.create(template(url, Endpoint={"Tags": [{"Key": "a", "Value": "1"}]})) == "CREATE_COMPLETE"
    pid = aws.server("reader").pid
    assert stack.update(template(url, Endpoint={"Tags": [{"Key": "b", "Value": "2"}]})) == "UPDATE_COMPLETE"
    tags = aws.sagemaker.list_tags(ResourceArn="arn:aws:sagemaker:us-east-1:000000000000:endpoint/reader")["Tags"]
    assert [tag for tag in tags if not tag["Key"].startswith("aws:")] == [{"Key": "b", "Value": "2"}]
    assert aws.server("reader").pid == pid


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Model": {"Colour": "red"}}, "Model: 1 validation error detected: extraneous key [Colour] is not permitted"),
        ({"Config": {"ExplainerConfig": {}}}, "ExplainerConfig is not modelled"),
        ({"Config": {"DataCaptureConfig": {"EnableCapture": True}}}, "at 'dataCaptureConfig.destinationS3Uri'"),
        ({"Endpoint": {"RetainAllVariantProperties": "maybe"}}, "Member must be of type boolean"),
        ({"Endpoint": {"EndpointConfigName": {"Ref": "Config"}}}, "regular expression pattern"),
    ],
)
def test_property_is_refused_when_it_is_wrong_or_not_modelled(
    stack: Stack, changes: dict[str, Any], reason: str
) -> None:
    assert stack.create(template("s3://models/none", **changes)) == "ROLLBACK_COMPLETE"
    assert reason in stack.reasons()


def test_fixed_name_keeps_a_model_from_being_replaced(aws: Aws, stack: Stack, archive: Callable[[int], bytes]) -> None:
    name = {"ModelName": "fixed"}
    assert stack.create(template(aws.upload("a", archive(1)), Model=name)) == "CREATE_COMPLETE"
    assert stack.update(template(aws.upload("b", archive(2)), Model=name)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "cannot update a stack when a custom-named resource requires replacing" in stack.reasons()


def test_clock_and_steps_bound_a_variant_of_the_stack(aws: Aws, stack: Stack, archive: Callable[[int], bytes]) -> None:
    night = {"Schedule": "cron(0 20 ? * FRI *)", "ScheduledActionName": "off hours begin", "Timezone": "Europe/Berlin"}
    steps = [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]
    target = {
        "MaxCapacity": 4,
        "MinCapacity": 2,
        "ResourceId": {"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/main"},
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ScheduledActions": [{**night, "ScalableTargetAction": {"MinCapacity": 1}}],
        "ServiceNamespace": "sagemaker",
    }
    policy = {
        "PolicyName": "grow",
        "PolicyType": "StepScaling",
        "ScalingTargetId": {"Ref": "Target"},
        "StepScalingPolicyConfiguration": {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps},
    }
    kinds = (("Target", "ScalableTarget", target), ("Policy", "ScalingPolicy", policy))
    more = {name: {"Type": f"AWS::ApplicationAutoScaling::{kind}", "Properties": has} for name, kind, has in kinds}
    assert stack.create(template(aws.upload("one.tar.gz", archive(1)), Resources=more)) == "CREATE_COMPLETE"
    (action,) = aws.scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"]
    assert {**night, "ScalableTargetAction": {"MinCapacity": 1}}.items() <= action.items()
    (made,) = aws.scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert made["StepScalingPolicyConfiguration"]["StepAdjustments"] == steps


def change(aws: Aws, kind: str, body: str, name: str) -> None:
    """What `cdk deploy` does, up to the moment when it waits for the stack."""
    aws.cloudformation.create_change_set(
        StackName=STACK, ChangeSetName=name, ChangeSetType=kind, TemplateBody=body, Capabilities=["CAPABILITY_IAM"]
    )
    aws.cloudformation.execute_change_set(StackName=STACK, ChangeSetName=name)


@pytest.mark.parametrize("first", ["CREATE", "UPDATE"])
def test_second_deployment_of_a_stack_is_refused_while_the_first_is_under_way(
    aws: Aws, stack: Stack, archive: Callable[[int], bytes], first: str, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    archives = {1: gated(1, gate), 2: archive(2), 3: archive(3)}
    bodies = [template(aws.upload(f"{answer}", content)) for answer, content in archives.items()]
    if first == "UPDATE":
        assert stack.create(bodies[2]) == "CREATE_COMPLETE", stack.reasons()
    change(aws, first, bodies[0], "one")
    with pytest.raises(aws.cloudformation.exceptions.ClientError, match=f"is in {first}_IN_PROGRESS state") as refused:
        change(aws, "UPDATE", bodies[1], "two")
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    gate.unlink()
    assert stack.settled() == f"{first}_COMPLETE", stack.reasons()
    assert aws.label("reader") == "1"
    assert len(aws.sagemaker.list_models()["Models"]) == 1
    change(aws, "UPDATE", bodies[1], "two")
    assert stack.settled() == "UPDATE_COMPLETE", stack.reasons()
    assert aws.label("reader") == "2"
