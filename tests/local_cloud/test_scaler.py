"""Policies act: on numbers first, then in a cloud whose minutes take three seconds."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from slipway import local_cloud
from slipway.local_cloud.scaling_policies import stepped_capacity, tracked_capacity, tracking_alarms
from tests.local_cloud.conftest import BUCKET, REQUEST, Aws, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

WAKE_UP = {
    "AdjustmentType": "ChangeInCapacity",
    "Cooldown": 60,
    "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
}


@pytest.mark.parametrize(
    ("capacity", "value", "expected"), [(2, 10, 4), (2, 5, 2), (2, 5.1, 3), (4, 1, 1), (3, 0, 0), (0, 6, 2)]
)
def test_tracked_capacity_brings_the_metric_to_its_target(capacity: int, value: float, expected: int) -> None:
    assert tracked_capacity(capacity, value, 5) == expected


STEPS = [
    {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1},
    {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 3},
    {"MetricIntervalUpperBound": 0, "MetricIntervalLowerBound": -10, "ScalingAdjustment": -1},
    {"MetricIntervalUpperBound": -10, "ScalingAdjustment": -2},
]


@pytest.mark.parametrize(("excess", "expected"), [(0, 6), (9.9, 6), (10, 8), (500, 8), (-1, 4), (-10, 3), (-50, 3)])
def test_step_is_the_one_whose_bounds_hold_the_excess(excess: float, expected: int) -> None:
    settings = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": STEPS}
    assert stepped_capacity(5, {"StepScalingPolicyConfiguration": settings}, excess) == expected


@pytest.mark.parametrize(
    ("kind", "change", "least", "expected"),
    [
        ("ExactCapacity", 7, 1, 7),
        ("ChangeInCapacity", -2, 1, 8),
        ("PercentChangeInCapacity", 50, 1, 15),
        ("PercentChangeInCapacity", 5, 1, 11),
        ("PercentChangeInCapacity", -25, 4, 6),
    ],
)
def test_adjustment_is_of_its_type(kind: str, change: int, least: int, expected: int) -> None:
    step = {"MetricIntervalLowerBound": 0, "ScalingAdjustment": change}
    settings = {"AdjustmentType": kind, "StepAdjustments": [step], "MinAdjustmentMagnitude": least}
    assert stepped_capacity(10, {"StepScalingPolicyConfiguration": settings}, 1) == expected


def test_metric_that_is_not_modelled_is_tracked_by_nobody() -> None:
    predefined = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget"}}
    math: dict[str, Any] = {"CustomizedMetricSpecification": {"Metrics": []}}
    for settings in (predefined, math):
        policy = {"TargetTrackingScalingPolicyConfiguration": {**settings, "TargetValue": 1}}
        assert tracking_alarms(policy, "e", "v") is None


@pytest.mark.parametrize(
    ("kind", "metric"),
    [
        ("InvocationsPerCopy", "InvocationsPerCopy"),
        ("ConcurrentRequestsPerCopyHighResolution", "ConcurrentRequestsPerCopy"),
    ],
)
def test_copies_are_tracked_by_their_components_name(kind: str, metric: str) -> None:
    predefined = {"PredefinedMetricType": f"SageMakerInferenceComponent{kind}"}
    settings = {"PredefinedMetricSpecification": predefined, "TargetValue": 4}
    alarms = tracking_alarms({"TargetTrackingScalingPolicyConfiguration": settings}, "shelf-reader", "AllTraffic")
    assert alarms is not None
    assert alarms[0]["MetricName"] == metric
    assert alarms[0]["Dimensions"] == [{"Name": "InferenceComponentName", "Value": "shelf-reader"}]


@pytest.fixture(scope="module")
def _hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    cloud = local_cloud.start(tmp_path_factory.mktemp("hasty"), leash=True, minute_seconds=3)
    yield Aws(cloud)
    local_cloud.stop(cloud)


@pytest.fixture
def hasty(_hasty: Aws) -> Iterator[Aws]:
    yield _hasty
    _hasty.clean()


def register(aws: Aws, endpoint: str, least: int, most: int) -> dict[str, str]:
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/main",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    aws.scaling.register_scalable_target(**target, MinCapacity=least, MaxCapacity=most)
    return target


def track(aws: Aws, target: dict[str, str], value: float, metric: dict[str, Any]) -> None:
    settings = {"TargetValue": value, "ScaleOutCooldown": 60, "ScaleInCooldown": 60, **metric}
    aws.scaling.put_scaling_policy(
        **target,
        PolicyName="track",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=settings,
    )


def instances(aws: Aws, endpoint: str) -> int:
    (variant,) = aws.sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
    return int(variant["DesiredInstanceCount"])


@pytest.mark.local_cloud
@pytest.mark.slow
def test_queue_wakes_its_fleet_and_sends_it_to_sleep_again(hasty: Aws) -> None:
    hasty.model("queue", 7)
    output = {"S3OutputPath": f"s3://{BUCKET}/output"}
    hasty.config("queue", {"ModelName": "queue", "VariantName": "main"}, AsyncInferenceConfig={"OutputConfig": output})
    hasty.endpoint("queue", "queue")
    target = register(hasty, "queue", 0, 2)
    of_endpoint = [{"Name": "EndpointName", "Value": "queue"}]
    metric = {"MetricName": "ApproximateBacklogSizePerInstance", "Namespace": "AWS/SageMaker", "Statistic": "Average"}
    track(hasty, target, 5, {"CustomizedMetricSpecification": {**metric, "Dimensions": of_endpoint}})
    policy = hasty.scaling.put_scaling_policy(
        **target, PolicyName="wake-up", PolicyType="StepScaling", StepScalingPolicyConfiguration=WAKE_UP
    )
    hasty.client("cloudwatch").put_metric_alarm(
        AlarmName="waiting",
        Namespace="AWS/SageMaker",
        MetricName="HasBacklogWithoutCapacity",
        Dimensions=of_endpoint,
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[policy["PolicyARN"]],
    )
    began = time.monotonic()
    eventually(lambda: instances(hasty, "queue") == 0)
    assert time.monotonic() - began > 40  # fifteen minutes of three seconds
    eventually(lambda: hasty.server("queue").asleep)
    location = hasty.upload("request.json", REQUEST)
    asked = {"EndpointName": "queue", "InputLocation": location, "ContentType": "application/json"}
    answer = hasty.runtime.invoke_endpoint_async(**asked)
    eventually(lambda: instances(hasty, "queue") == 1)
    key = answer["OutputLocation"].removeprefix(f"s3://{BUCKET}/")
    eventually(lambda: key in keys(hasty))
    body = hasty.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert json.loads(body)["predictions"][0]["label"] == "7"


def keys(aws: Aws) -> list[str]:
    return [item["Key"] for item in aws.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def tracked_fleet(aws: Aws, name: str) -> dict[str, str]:
    """An endpoint that would grow to three instances with its invocations; return its scalable target."""
    aws.model(name, 7)
    aws.config(name, {"ModelName": name, "VariantName": "main"})
    aws.endpoint(name, name)
    target = register(aws, name, 1, 3)
    track(
        *(aws, target, 1),
        {"PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}},
    )
    return target


@pytest.mark.local_cloud
@pytest.mark.slow
def test_fleet_grows_with_its_invocations_up_to_its_bound_and_stays_as_it_is_when_suspended(hasty: Aws) -> None:
    tracked_fleet(hasty, "busy")
    suspended = {"DynamicScalingOutSuspended": True}
    hasty.scaling.register_scalable_target(**tracked_fleet(hasty, "still"), SuspendedState=suspended)
    time.sleep(5)
    assert instances(hasty, "busy") == 1
    with hasty.firing("still", threads=2) as unheard, hasty.firing("busy", threads=2) as fired:
        began = time.monotonic()
        eventually(lambda: instances(hasty, "busy") == 3)
        time.sleep(max(5, began + 15 - time.monotonic()))
    assert (instances(hasty, "busy"), instances(hasty, "still")) == (3, 1)
    assert not fired.errors
    assert unheard.labels
    assert not unheard.errors
