"""Inference components: several models on one fleet, each with copies of its own."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.conftest import IMAGE, PATIENCE_SECONDS, ROLE, alive, eventually, refusal
from tests.local_cloud.test_cloudformation import STACK, Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.local_cloud import RunningComponent
    from tests.local_cloud.conftest import Aws

pytestmark = pytest.mark.local_cloud

SCALING = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 2}
NEEDS = {"MinMemoryRequiredInMb": 512, "NumberOfCpuCoresRequired": 1.0}
ROLLING = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        "WaitIntervalInSeconds": 0,
    }
}


class Shelf:
    """One endpoint that hosts inference components."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws

    def open(self, name: str = "shelf") -> None:
        variant = {"VariantName": "AllTraffic", "InstanceType": "ml.c7i.xlarge", "InitialInstanceCount": 1}
        self.aws.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ExecutionRoleArn=ROLE,
            EnableNetworkIsolation=True,
            ProductionVariants=[{**variant, "ManagedInstanceScaling": SCALING}],
        )
        self.aws.endpoint(name, name)

    def put(self, name: str, model: str, copies: int = 1, **more: Any) -> dict[str, Any]:
        """Create a component of a model, and wait for it."""
        given = {"Specification": specification(model), "RuntimeConfig": {"CopyCount": copies}}
        place = {"EndpointName": "shelf", "VariantName": "AllTraffic"}
        self.aws.sagemaker.create_inference_component(InferenceComponentName=name, **{**place, **given, **more})
        return self.settled(name)

    def settled(self, name: str) -> dict[str, Any]:
        """What DescribeInferenceComponent says once nothing is under way any more."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            found: dict[str, Any] = self.aws.sagemaker.describe_inference_component(InferenceComponentName=name)
            if found["InferenceComponentStatus"] not in ("Creating", "Updating"):
                return found
            time.sleep(0.05)
        raise AssertionError(found)

    def update(self, name: str, **more: Any) -> dict[str, Any]:
        self.aws.sagemaker.update_inference_component(InferenceComponentName=name, **more)
        return self.settled(name)

    def resize(self, name: str, copies: int) -> dict[str, Any]:
        wanted = {"CopyCount": copies}
        self.aws.sagemaker.update_inference_component_runtime_config(
            InferenceComponentName=name, DesiredRuntimeConfig=wanted
        )
        return self.settled(name)

    def ask(self, name: str) -> str:
        return self.aws.label("shelf", InferenceComponentName=name)

    def running(self, name: str) -> RunningComponent:
        (shelf,) = [endpoint for endpoint in self.aws.cloud.endpoints() if endpoint.name == "shelf"]
        (found,) = [component for component in shelf.components if component.name == name]
        return found

    def clear(self) -> None:
        for found in self.aws.sagemaker.list_inference_components(MaxResults=100)["InferenceComponents"]:
            name = found["InferenceComponentName"]
            if self.settled(name)["InferenceComponentStatus"] != "Deleting":
                self.aws.sagemaker.delete_inference_component(InferenceComponentName=name)
        eventually(lambda: not self.aws.sagemaker.list_inference_components()["InferenceComponents"])


def specification(model: str) -> dict[str, Any]:
    return {"ModelName": model, "ComputeResourceRequirements": NEEDS}


@pytest.fixture
def shelf(aws: Aws) -> Iterator[Shelf]:
    made = Shelf(aws)
    aws.model("seven", 7)
    aws.model("two", 2)
    yield made
    made.clear()


@pytest.fixture
def opened(shelf: Shelf) -> Shelf:
    shelf.open()
    return shelf


def test_each_component_answers_with_its_own_model_and_process(opened: Shelf) -> None:
    opened.put("shelf-seven", "seven")
    found = opened.put("shelf-two", "two", 3)
    assert (opened.ask("shelf-seven"), opened.ask("shelf-two")) == ("7", "2")
    assert found["InferenceComponentArn"] == "arn:aws:sagemaker:us-east-1:000000000000:inference-component/shelf-two"
    assert found["RuntimeConfig"] == {"DesiredCopyCount": 3, "CurrentCopyCount": 3}
    assert found["Specification"] == specification("two")
    pids = {opened.running(name).containers[0].pid for name in ("shelf-seven", "shelf-two")}
    assert len(pids) == 2
    assert opened.running("shelf-two").copies == 3


def test_fleet_without_components_runs_nothing_and_answer_names_the_variant(opened: Shelf) -> None:
    described = opened.aws.sagemaker.describe_endpoint(EndpointName="shelf")
    assert described["ProductionVariants"][0]["ManagedInstanceScaling"] == SCALING
    (running,) = [endpoint for endpoint in opened.aws.cloud.endpoints() if endpoint.name == "shelf"]
    assert [variant.containers for variant in running.variants] == [()]
    opened.put("shelf-seven", "seven")
    answer = opened.aws.invoke("shelf", InferenceComponentName="shelf-seven")
    assert answer["InvokedProductionVariant"] == "AllTraffic"


def test_caller_must_name_a_component_that_is_there(opened: Shelf) -> None:
    with pytest.raises(ClientError) as error:
        opened.aws.invoke("shelf")
    assert refusal(error)[0] == "ValidationError"
    assert refusal(error)[1].startswith("Inference Component Name header is required for endpoints")
    with pytest.raises(ClientError, match="Inference Component nobody of endpoint shelf not found"):
        opened.ask("nobody")
    opened.aws.config("plain", {"ModelName": "seven"})
    opened.aws.endpoint("plain", "plain")
    with pytest.raises(ClientError, match="Inference Component Name header is not allowed for endpoints"):
        opened.aws.invoke("plain", InferenceComponentName="shelf-seven")


def test_component_without_a_copy_refuses_and_counts_until_it_has_one(opened: Shelf) -> None:
    opened.put("shelf-seven", "seven")
    pid = opened.running("shelf-seven").containers[0].pid
    assert pid is not None
    found = opened.resize("shelf-seven", 0)
    assert found["RuntimeConfig"] == {"DesiredCopyCount": 0, "CurrentCopyCount": 0}
    assert opened.running("shelf-seven").containers == ()
    eventually(lambda: not alive(pid))
    with pytest.raises(ClientError) as error:
        opened.ask("shelf-seven")
    assert refusal(error)[0] == "ValidationError"
    assert refusal(error)[1].startswith("Inference Component has no capacity to process this request.")
    eventually(lambda: refusals(opened.aws, "shelf-seven") == 1)
    opened.resize("shelf-seven", 2)
    assert opened.ask("shelf-seven") == "7"


def refusals(aws: Aws, name: str) -> float:
    now = time.time()
    answer = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="NoCapacityInvocationFailures",
        Dimensions=[{"Name": "InferenceComponentName", "Value": name}],
        StartTime=now - 600,
        EndTime=now + 600,
        Period=3600,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in answer["Datapoints"]))


def test_more_copies_take_no_other_process(opened: Shelf) -> None:
    opened.put("shelf-seven", "seven")
    before = opened.running("shelf-seven").containers[0].pid
    opened.resize("shelf-seven", 4)
    assert (opened.running("shelf-seven").copies, opened.running("shelf-seven").containers[0].pid) == (4, before)


def test_new_version_takes_over_without_a_failed_request(opened: Shelf) -> None:
    opened.put("shelf-seven", "seven", 2)
    opened.put("shelf-two", "two")
    before = opened.running("shelf-seven").containers[0].pid
    neighbour = opened.running("shelf-two").containers[0].pid
    with opened.aws.firing("shelf", InferenceComponentName="shelf-seven") as fired:
        found = opened.update("shelf-seven", Specification=specification("two"), DeploymentConfig=ROLLING)
        eventually(lambda: "2" in fired.labels[-5:])
    assert fired.errors == []
    assert set(fired.labels) == {"7", "2"}
    assert found["Specification"] == specification("two")
    assert found["LastDeploymentConfig"] == ROLLING
    assert opened.running("shelf-seven").containers[0].pid != before
    assert opened.running("shelf-two").containers[0].pid == neighbour
    assert before is not None
    eventually(lambda: not alive(before))


def test_broken_version_leaves_the_old_one_in_service(opened: Shelf, pack: Callable[[dict[str, bytes]], bytes]) -> None:
    opened.put("shelf-seven", "seven", 2)
    opened.aws.model("broken", content=pack({"nothing": b""}))
    with opened.aws.firing("shelf", InferenceComponentName="shelf-seven") as fired:
        found = opened.update("shelf-seven", Specification=specification("broken"), DeploymentConfig=ROLLING)
    assert (found["InferenceComponentStatus"], set(fired.labels), fired.errors) == ("InService", {"7"}, [])
    assert "did not pass the ping health check" in found["FailureReason"]
    assert found["Specification"] == specification("seven")
    assert found["RuntimeConfig"]["DesiredCopyCount"] == 2


def test_alarm_calls_a_new_version_back(opened: Shelf) -> None:
    opened.put("shelf-seven", "seven")
    cloudwatch = opened.aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="unwell",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="Invocation5XXErrors",
        Namespace="AWS/SageMaker",
        Period=60,
        Statistic="Average",
        Threshold=0.01,
        TreatMissingData="breaching",  # a state that is set by hand is gone after ten seconds
    )
    rolling = {"RollingUpdatePolicy": {**ROLLING["RollingUpdatePolicy"], "WaitIntervalInSeconds": 30}}
    guarded = {**rolling, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "unwell"}]}}
    found = opened.update("shelf-seven", Specification=specification("two"), DeploymentConfig=guarded)
    cloudwatch.delete_alarms(AlarmNames=["unwell"])
    assert "because of alarms in state ALARM: unwell" in found["FailureReason"]
    assert (opened.ask("shelf-seven"), found["InferenceComponentStatus"]) == ("7", "InService")


def test_component_fails_when_its_model_does_not_start(
    opened: Shelf, pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    opened.aws.model("broken", content=pack({"nothing": b""}))
    found = opened.put("shelf-broken", "broken")
    assert found["InferenceComponentStatus"] == "Failed"
    assert "did not pass the ping health check" in found["FailureReason"]
    with pytest.raises(ClientError, match="in status Failed"):
        opened.resize("shelf-broken", 2)


def test_component_outlives_a_killed_server_and_another_config_of_its_endpoint(opened: Shelf) -> None:
    opened.put("shelf-seven", "seven")
    pid = opened.running("shelf-seven").containers[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: back(opened.running("shelf-seven"), pid))
    variant = {"VariantName": "AllTraffic", "InstanceType": "ml.m7i.xlarge", "InitialInstanceCount": 1}
    opened.aws.sagemaker.create_endpoint_config(
        EndpointConfigName="larger", ExecutionRoleArn=ROLE, ProductionVariants=[variant]
    )
    opened.aws.sagemaker.update_endpoint(EndpointName="shelf", EndpointConfigName="larger")
    assert opened.aws.settled("shelf")["EndpointConfigName"] == "larger"
    assert opened.ask("shelf-seven") == "7"


def back(component: RunningComponent, pid: int) -> bool:
    """Whether another process answers than that one."""
    (container,) = component.containers
    return container.ready and container.pid != pid


def test_endpoint_cannot_go_or_lose_its_fleet_while_it_hosts_components(opened: Shelf) -> None:
    opened.put("shelf-seven", "seven")
    with pytest.raises(ClientError, match="hosts inference components: shelf-seven"):
        opened.aws.sagemaker.delete_endpoint(EndpointName="shelf")
    opened.aws.config("plain", {"ModelName": "seven", "VariantName": "AllTraffic"})
    with pytest.raises(ClientError, match="variant AllTraffic hosts inference component shelf-seven"):
        opened.aws.sagemaker.update_endpoint(EndpointName="shelf", EndpointConfigName="plain")
    opened.clear()
    opened.aws.sagemaker.delete_endpoint(EndpointName="shelf")


def test_components_are_listed_and_tagged(opened: Shelf) -> None:
    opened.put("shelf-seven", "seven", Tags=[{"Key": "team", "Value": "blue"}])
    opened.put("shelf-two", "two")
    listed = opened.aws.sagemaker.list_inference_components(
        EndpointNameEquals="shelf", SortBy="Name", SortOrder="Ascending"
    )["InferenceComponents"]
    assert [found["InferenceComponentName"] for found in listed] == ["shelf-seven", "shelf-two"]
    assert {found["InferenceComponentStatus"] for found in listed} == {"InService"}
    assert opened.aws.sagemaker.list_inference_components(NameContains="two")["InferenceComponents"] == listed[1:]
    assert opened.aws.sagemaker.list_inference_components(EndpointNameEquals="x")["InferenceComponents"] == []
    tags = opened.aws.sagemaker.list_tags(ResourceArn=listed[0]["InferenceComponentArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "blue"}]


def test_autoscaling_takes_copies_and_no_instances(opened: Shelf) -> None:
    opened.put("shelf-seven", "seven")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "inference-component/shelf-seven",
        "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
    }
    opened.aws.scaling.register_scalable_target(**target, MinCapacity=0, MaxCapacity=2)
    (found,) = opened.aws.scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (0, 2)
    opened.aws.scaling.deregister_scalable_target(**target)
    with pytest.raises(ClientError, match="inference component of inference-component/nobody was not found"):
        opened.aws.scaling.register_scalable_target(
            **{**target, "ResourceId": "inference-component/nobody"}, MinCapacity=0, MaxCapacity=2
        )
    fleet = {
        "ResourceId": "endpoint/shelf/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    with pytest.raises(ClientError, match="has ManagedInstanceScaling"):
        opened.aws.scaling.register_scalable_target(**{**target, **fleet}, MinCapacity=1, MaxCapacity=2)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"EndpointName": "nowhere"}, "Could not find endpoint"),
        ({"VariantName": "other"}, "is/are not present within endpoint"),
        ({"Specification": {**specification("seven"), "ModelName": "nothing"}}, "Could not find model"),
        ({"Specification": {"ModelName": "seven"}}, "a Specification without ComputeResourceRequirements"),
        ({"Specification": {**specification("seven"), "BaseInferenceComponentName": "a"}}, "is not modelled"),
        ({"InferenceComponentName": "taken"}, "Cannot create already existing inference component"),
    ],
)
def test_component_that_cannot_be_is_refused_at_once(opened: Shelf, more: dict[str, Any], message: str) -> None:
    opened.put("taken", "seven", 0)
    asked = {"InferenceComponentName": "new", "EndpointName": "shelf", "Specification": specification("seven")}
    with pytest.raises(ClientError, match=message):
        opened.aws.sagemaker.create_inference_component(**{**asked, **more})


def test_endpoint_with_a_model_of_its_own_takes_no_components(shelf: Shelf) -> None:
    shelf.aws.config("plain", {"ModelName": "seven"})
    shelf.aws.endpoint("plain", "plain")
    with pytest.raises(ClientError, match="Inference Components are not supported in this Endpoint"):
        shelf.put("plain-seven", "seven", EndpointName="plain", VariantName="seven")


@pytest.mark.parametrize(
    ("variant", "more", "message"),
    [
        ({}, {}, "ExecutionRoleArn is required"),
        ({"ModelName": "seven", "ManagedInstanceScaling": SCALING}, {}, "only for inference components"),
        ({"ModelName": "seven"}, {"EnableNetworkIsolation": True}, "EnableNetworkIsolation is only supported"),
    ],
)
def test_config_that_mixes_both_worlds_is_refused(
    shelf: Shelf, variant: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    plain = {"VariantName": "AllTraffic", "InstanceType": "ml.c7i.xlarge", "InitialInstanceCount": 1}
    with pytest.raises(ClientError, match=message):
        shelf.aws.sagemaker.create_endpoint_config(
            EndpointConfigName="bad", ProductionVariants=[{**plain, **variant}], **more
        )


def template(url: str, copies: int = 1) -> str:
    """An endpoint of one component."""
    variant = {"VariantName": "AllTraffic", "InstanceType": "ml.c7i.xlarge", "InitialInstanceCount": 1}
    resources: dict[str, Any] = {
        "Model": {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": url}},
        "EndpointConfig": {
            "ExecutionRoleArn": ROLE,
            "ProductionVariants": [{**variant, "ManagedInstanceScaling": SCALING}],
        },
        "Endpoint": {
            "EndpointName": "shelf",
            "EndpointConfigName": {"Fn::GetAtt": ["EndpointConfig", "EndpointConfigName"]},
        },
        "InferenceComponent": {
            "InferenceComponentName": "shelf-reader",
            "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
            "VariantName": "AllTraffic",
            "RuntimeConfig": {"CopyCount": copies},
            "DeploymentConfig": ROLLING,
            "Specification": {
                "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                "ComputeResourceRequirements": NEEDS,
            },
        },
    }
    made = {name: {"Type": f"AWS::SageMaker::{name}", "Properties": given} for name, given in resources.items()}
    outputs = {"Component": {"Value": {"Ref": "InferenceComponent"}}}
    return json.dumps({"Resources": made, "Outputs": outputs})


@pytest.fixture
def stack(shelf: Shelf) -> Iterator[Stack]:
    yield Stack(shelf.aws)
    shelf.aws.cloudformation.delete_stack(StackName=STACK)
    eventually(lambda: not shelf.aws.sagemaker.list_endpoints()["Endpoints"])


def test_stack_with_a_new_model_rolls_its_component_in_place_and_leaves_a_scaled_count_alone(
    shelf: Shelf, stack: Stack, archive: Callable[[int], bytes]
) -> None:
    assert stack.create(template(shelf.aws.upload("a", archive(1)))) == "CREATE_COMPLETE", stack.reasons()
    (output,) = stack.found()["Outputs"]
    assert output["OutputValue"].endswith("inference-component/shelf-reader")
    shelf.resize("shelf-reader", 3)
    created = shelf.settled("shelf-reader")["CreationTime"]
    with shelf.aws.firing("shelf", InferenceComponentName="shelf-reader") as fired:
        assert stack.update(template(shelf.aws.upload("b", archive(2)))) == "UPDATE_COMPLETE", stack.reasons()
        eventually(lambda: "2" in fired.labels[-5:])
    assert (fired.errors, set(fired.labels)) == ([], {"1", "2"})
    found = shelf.settled("shelf-reader")
    assert (found["CreationTime"], found["RuntimeConfig"]["DesiredCopyCount"]) == (created, 3)


def test_stack_rolls_back_to_the_old_model_when_the_new_one_does_not_start(
    shelf: Shelf, stack: Stack, archive: Callable[[int], bytes], pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    assert stack.create(template(shelf.aws.upload("a", archive(1)))) == "CREATE_COMPLETE", stack.reasons()
    broken = template(shelf.aws.upload("broken", pack({"nothing": b""})))
    assert stack.update(broken) == "UPDATE_ROLLBACK_COMPLETE"
    assert "did not pass the ping health check" in stack.reasons()
    assert shelf.ask("shelf-reader") == "1"


def test_stack_that_cannot_start_its_component_leaves_nothing(
    shelf: Shelf, stack: Stack, pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    assert stack.create(template(shelf.aws.upload("broken", pack({"nothing": b""})))) == "ROLLBACK_COMPLETE"
    assert shelf.aws.sagemaker.list_inference_components()["InferenceComponents"] == []
    assert shelf.aws.cloud.endpoints() == []


def test_request_fails_as_the_model_says(opened: Shelf) -> None:
    opened.put("shelf-seven", "seven")
    with pytest.raises(ClientError) as error:
        opened.aws.invoke("shelf", Body=b"not json", InferenceComponentName="shelf-seven")
    assert error.value.response["OriginalStatusCode"] == 400
