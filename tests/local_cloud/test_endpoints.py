from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.conftest import alive, eventually, gated, refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.local_cloud.conftest import Aws

pytestmark = pytest.mark.local_cloud


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A gated server is not ready as long as this file is there."""
    file = tmp_path / "gate"
    file.touch()
    return file


def test_endpoint_answers_with_the_uploaded_model_until_it_is_deleted(aws: Aws, gate: Path) -> None:
    aws.model("seven", content=gated(7, gate))
    aws.config("one", {"ModelName": "seven"})
    created = aws.sagemaker.create_endpoint(EndpointName="Reader", EndpointConfigName="one")
    assert created["EndpointArn"] == "arn:aws:sagemaker:us-east-1:000000000000:endpoint/reader"
    assert aws.sagemaker.describe_endpoint(EndpointName="Reader")["EndpointStatus"] == "Creating"
    with pytest.raises(ClientError) as error:
        aws.invoke("Reader")
    assert refusal(error)[0] == "ValidationError"
    gate.unlink()
    found = aws.settled("Reader")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "one")
    assert found["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    assert aws.label("Reader") == "7"
    pid = aws.server("Reader").pid
    aws.sagemaker.delete_endpoint(EndpointName="Reader")
    with pytest.raises(ClientError, match="Endpoint Reader of account 000000000000 not found"):
        aws.invoke("Reader")
    assert pid is not None
    eventually(lambda: not alive(pid))
    eventually(lambda: not aws.sagemaker.list_endpoints()["Endpoints"])


def test_endpoint_fails_with_the_servers_last_words_when_it_never_answers_ping(
    aws: Aws, pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    aws.model("broken", content=pack({"manifest.json": b"{}"}))
    aws.config("broken", {"ModelName": "broken"})
    aws.sagemaker.create_endpoint(EndpointName="broken", EndpointConfigName="broken")
    found = aws.settled("broken")
    assert found["EndpointStatus"] == "Failed"
    assert "variant broken did not pass the ping health check" in found["FailureReason"]
    assert "manifest.json" in found["FailureReason"]
    assert not aws.cloud.endpoints()[0].variants


def test_endpoint_fails_with_the_address_when_there_is_no_archive(aws: Aws) -> None:
    aws.model("gone")
    aws.s3.delete_object(Bucket="models", Key="gone.tar.gz")
    aws.config("gone", {"ModelName": "gone"})
    aws.sagemaker.create_endpoint(EndpointName="gone", EndpointConfigName="gone")
    found = aws.settled("gone")
    assert found["EndpointStatus"] == "Failed"
    assert (
        'Failed to download model data for container "container_1" from URL: "s3://models/gone.tar.gz"'
        in (found["FailureReason"])
    )


def two_variants(aws: Aws, first: float, second: float) -> None:
    aws.model("one", 1)
    aws.model("two", 2)
    weights = (
        {"ModelName": name, "InitialVariantWeight": weight} for name, weight in (("one", first), ("two", second))
    )
    aws.config("both", *weights)
    aws.endpoint("both", "both")


def test_traffic_follows_the_weights_and_weight_zero_gets_none(aws: Aws) -> None:
    two_variants(aws, 1, 0)
    assert {aws.label("both") for _ in range(30)} == {"1"}
    weights = [{"VariantName": "one", "DesiredWeight": 1}, {"VariantName": "two", "DesiredWeight": 3}]
    aws.sagemaker.update_endpoint_weights_and_capacities(EndpointName="both", DesiredWeightsAndCapacities=weights)
    drawn = Counter(aws.label("both") for _ in range(300))
    assert 190 <= drawn["2"] <= 260  # 225 expected, about five standard deviations either way

    for variant, label in (("one", "1"), ("two", "2")):
        answer = aws.invoke("both", TargetVariant=variant)
        assert answer["InvokedProductionVariant"] == variant
        assert json.loads(answer["Body"].read())["predictions"][0]["label"] == label
    with pytest.raises(ClientError) as error:
        aws.invoke("both", TargetVariant="three")
    assert refusal(error)[0] == "ValidationError"


def test_update_keeps_weights_and_counts_when_asked_to_retain_them(aws: Aws) -> None:
    two_variants(aws, 1, 1)
    changed = [{"VariantName": "two", "DesiredWeight": 0, "DesiredInstanceCount": 5}]
    aws.sagemaker.update_endpoint_weights_and_capacities(EndpointName="both", DesiredWeightsAndCapacities=changed)
    aws.config("next", {"ModelName": "one"}, {"ModelName": "two"})
    aws.sagemaker.update_endpoint(EndpointName="both", EndpointConfigName="next", RetainAllVariantProperties=True)
    variants = {variant["VariantName"]: variant for variant in aws.settled("both")["ProductionVariants"]}
    assert (variants["two"]["CurrentWeight"], variants["two"]["DesiredInstanceCount"]) == (0, 5)

    aws.sagemaker.update_endpoint(EndpointName="both", EndpointConfigName="both")
    variants = {variant["VariantName"]: variant for variant in aws.settled("both")["ProductionVariants"]}
    assert (variants["two"]["CurrentWeight"], variants["two"]["DesiredInstanceCount"]) == (1, 1)


CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
            "WaitIntervalInSeconds": 1,
        }
    }
}


ERRORS: dict[str, Any] = {
    "Namespace": "AWS/SageMaker",
    "MetricName": "Invocation5XXErrors",
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 1,
    "Period": 60,
    "Statistic": "Average",
    "Threshold": 0.01,
}
"""An alarm on what nobody publishes."""
HALF = {"Type": "CAPACITY_PERCENT", "Value": 50}
LINEAR = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {"Type": "LINEAR", "LinearStepSize": HALF, "WaitIntervalInSeconds": 1}
    }
}
ROLLING = {"RollingUpdatePolicy": {"MaximumBatchSize": HALF, "WaitIntervalInSeconds": 1}}


@pytest.mark.parametrize(
    "deployment", [{}, CANARY, LINEAR, ROLLING], ids=["all at once", "canary", "linear", "rolling"]
)
def test_no_request_fails_while_an_update_moves_the_traffic(aws: Aws, deployment: dict[str, Any], gate: Path) -> None:
    aws.model("old", 1)
    aws.model("new", content=gated(2, gate))
    aws.config("old", {"ModelName": "old", "VariantName": "main"})
    aws.config("new", {"ModelName": "new", "VariantName": "main"})
    aws.endpoint("moving", "old")
    pid = aws.server("moving").pid
    with aws.firing("moving") as fired:
        eventually(lambda: len(fired.labels) > 20)
        aws.sagemaker.update_endpoint(
            EndpointName="moving", EndpointConfigName="new", **({"DeploymentConfig": deployment} if deployment else {})
        )
        assert aws.sagemaker.describe_endpoint(EndpointName="moving")["PendingDeploymentSummary"]
        gate.unlink()
        assert aws.settled("moving")["EndpointConfigName"] == "new"
        after = len(fired.labels) + 4  # requests under way may still end on the old fleet
        eventually(lambda: len(fired.labels) > after + 20)
        eventually(lambda: pid is not None and not alive(pid))
    assert not fired.errors
    assert fired.labels[0] == "1"
    assert set(fired.labels[after:]) == {"2"}


@pytest.mark.parametrize("deployment", [CANARY, LINEAR, ROLLING], ids=["canary", "linear", "rolling"])
def test_new_fleet_gets_its_share_first_when_the_update_goes_step_by_step(aws: Aws, deployment: dict[str, Any]) -> None:
    aws.model("old", 1)
    aws.model("new", 2)
    aws.config("old", {"ModelName": "old", "VariantName": "main"})
    aws.config("new", {"ModelName": "new", "VariantName": "main"})
    aws.endpoint("moving", "old")
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName="enough", TreatMissingData="notBreaching", **ERRORS)
    guard = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "enough"}]}}
    lasting = json.loads(json.dumps(deployment).replace('"WaitIntervalInSeconds": 1', '"WaitIntervalInSeconds": 600'))
    aws.sagemaker.update_endpoint(
        EndpointName="moving", EndpointConfigName="new", DeploymentConfig={**lasting, **guard}
    )
    eventually(lambda: aws.label("moving") == "2")
    drawn = Counter(aws.label("moving") for _ in range(40))
    assert aws.sagemaker.describe_endpoint(EndpointName="moving")["EndpointStatus"] == "Updating"
    assert drawn["1"] > 0
    assert drawn["2"] > 0
    cloudwatch.put_metric_alarm(AlarmName="enough", TreatMissingData="breaching", **ERRORS)
    assert aws.settled("moving")["EndpointConfigName"] == "old"
    cloudwatch.delete_alarms(AlarmNames=["enough"])


@pytest.mark.parametrize("policy", [CANARY, LINEAR, ROLLING], ids=["canary", "linear", "rolling"])
def test_update_rolls_back_when_one_of_its_alarms_rings(aws: Aws, policy: dict[str, Any]) -> None:
    aws.model("old", 1)
    aws.model("new", 2)
    aws.config("old", {"ModelName": "old", "VariantName": "main"})
    aws.config("new", {"ModelName": "new", "VariantName": "main"})
    aws.endpoint("moving", "old")
    cloudwatch = aws.client("cloudwatch")
    # A state that is set by hand is gone after ten seconds, before which the new fleet may not be there.
    cloudwatch.put_metric_alarm(AlarmName="errors", TreatMissingData="breaching", **ERRORS)
    deployment = {**policy, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}
    aws.sagemaker.update_endpoint(EndpointName="moving", EndpointConfigName="new", DeploymentConfig=deployment)
    found = aws.settled("moving")
    cloudwatch.delete_alarms(AlarmNames=["errors"])
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "old")
    assert "errors" in found["FailureReason"]
    assert {aws.label("moving") for _ in range(10)} == {"1"}


def sized(policy: dict[str, Any], size: str, percent: int) -> dict[str, Any]:
    return {**policy, size: {"Type": "CAPACITY_PERCENT", "Value": percent}, "WaitIntervalInSeconds": 0}


def routed(kind: str, size: str, percent: int) -> dict[str, Any]:
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": sized({"Type": kind}, size, percent)}}


@pytest.mark.parametrize(
    ("deployment", "message"),
    [
        (routed("CANARY", "CanarySize", 51), "CanarySize: a CAPACITY_PERCENT of 51 is not between 1 and 50"),
        (routed("LINEAR", "LinearStepSize", 9), "LinearStepSize: a CAPACITY_PERCENT of 9 is not between 10 and 50"),
        (routed("LINEAR", "CanarySize", 20), "CanarySize goes with Type CANARY"),
        (
            {"RollingUpdatePolicy": sized({}, "MaximumBatchSize", 4)},
            "MaximumBatchSize: a CAPACITY_PERCENT of 4 is not between 5 and 50",
        ),
        ({**CANARY, **ROLLING}, "specify either BlueGreenUpdatePolicy or RollingUpdatePolicy"),
    ],
)
def test_deployment_that_sagemaker_refuses_is_refused(aws: Aws, deployment: dict[str, Any], message: str) -> None:
    aws.model("one", 1)
    aws.config("one", {"ModelName": "one"})
    with pytest.raises(ClientError, match=message):
        aws.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="one", DeploymentConfig=deployment)


def test_rolling_update_is_refused_when_there_are_several_variants_or_none_on_instances(aws: Aws) -> None:
    aws.model("one", 1)
    aws.config("two", {"ModelName": "one"}, {"ModelName": "one", "VariantName": "other"})
    aws.config("serverless", {"ModelName": "one", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}})
    for config, message in (("two", "multiple production variants"), ("serverless", "serverless endpoints")):
        with pytest.raises(ClientError, match=message):
            aws.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName=config, DeploymentConfig=ROLLING)


def test_failed_update_leaves_the_old_fleet_in_service(aws: Aws, pack: Callable[[dict[str, bytes]], bytes]) -> None:
    aws.model("good", 1)
    aws.model("broken", content=pack({"nothing": b""}))
    aws.config("good", {"ModelName": "good", "VariantName": "main"})
    aws.config("broken", {"ModelName": "broken", "VariantName": "main"})
    aws.endpoint("kept", "good")
    with aws.firing("kept", threads=1) as fired:
        aws.sagemaker.update_endpoint(EndpointName="kept", EndpointConfigName="broken")
        found = aws.settled("kept")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "good")
    assert "did not pass the ping health check" in found["FailureReason"]
    assert not fired.errors
    assert aws.label("kept") == "1"


def test_killed_server_gives_quick_errors_and_comes_back(aws: Aws) -> None:
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven"})
    aws.endpoint("killed", "one")
    pid, statuses = aws.server("killed").pid, set[int]()

    def answers() -> bool:
        began = time.monotonic()
        try:
            assert aws.label("killed") == "7"
        except ClientError as error:
            statuses.add(error.response["ResponseMetadata"]["HTTPStatusCode"])
            assert time.monotonic() - began < 30  # whoever waited for a dead server would wait for a minute
            return False
        return True

    models = aws.cloud.state_folder / "models"
    away = models.rename(models.with_name("away"))  # so that no successor is there before it was missed
    psutil.Process(pid).kill()
    eventually(lambda: not answers())
    away.rename(models)
    eventually(answers)
    assert statuses == {503}
    assert aws.server("killed").pid != pid


def test_killed_server_comes_back_when_its_first_restarts_fail(aws: Aws) -> None:
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven"})
    aws.endpoint("reader", "one")
    models = aws.cloud.state_folder / "models"
    away = models.rename(models.with_name("away"))
    log = aws.cloud.state_folder / "cloud.log"
    ended = log.read_text().count(" ended with ")
    os.kill(aws.server("reader").pid or 0, signal.SIGKILL)
    eventually(lambda: log.read_text().count(" ended with ") >= ended + 3)  # killed, and two that found no model
    assert not aws.server("reader").ready
    away.rename(models)
    eventually(lambda: aws.server("reader").ready)
    assert aws.label("reader") == "7"


def test_endpoint_survives_the_deletion_of_its_model_and_config(aws: Aws) -> None:
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven"})
    aws.endpoint("kept", "one")
    aws.sagemaker.delete_endpoint_config(EndpointConfigName="one")
    aws.sagemaker.delete_model(ModelName="seven")
    assert aws.label("kept") == "7"


def test_serverless_variant_is_throttled_beyond_its_concurrency(aws: Aws) -> None:
    aws.model("seven", 7)
    aws.config("one", {"ModelName": "seven", "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1}})
    aws.endpoint("serverless", "one")
    assert aws.label("serverless") == "7"
    with aws.firing("serverless", threads=8) as fired:
        eventually(lambda: len(fired.errors) > 3)
    codes = {error.response["Error"]["Code"] for error in fired.errors if isinstance(error, ClientError)}
    assert codes == {"ThrottlingException"}
    assert fired.labels
