"""What a scaling policy asks for, as Application Auto Scaling works it out."""

from __future__ import annotations

import math
from typing import Any, Final

_NAMESPACE: Final = "AWS/SageMaker"
_OUT_PERIODS: Final = 3
_IN_SECONDS: Final = 900
_IN_SHARE: Final = 0.9
# Which statistic and period the predefined metrics take is a guess; their names are the documentation's.
_PREDEFINED: Final = {
    "SageMakerVariantInvocationsPerInstance": ("InvocationsPerInstance", "Sum", 60),
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": ("ConcurrentRequestsPerModel", "Maximum", 10),
    "SageMakerInferenceComponentInvocationsPerCopy": ("InvocationsPerCopy", "Sum", 60),
    "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution": ("ConcurrentRequestsPerCopy", "Maximum", 10),
    "SageMakerVariantProvisionedConcurrencyUtilization": ("ServerlessProvisionedConcurrencyUtilization", "Maximum", 60),
}


def tracking_alarms(
    policy: dict[str, Any], endpoint: str, variant: str
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the two alarms that Application Auto Scaling watches for a target: above it, and well below it.

    Three periods above the target grow the fleet, fifteen minutes below nine tenths of it shrink it, a guess where a
    period is shorter than a minute; a period without data does neither.

    Args:
        policy: A target tracking policy.
        endpoint: Whose metric is meant where it is predefined; an inference component's name for one of copies.
        variant: Likewise; copies know none.

    Returns:
        None for a metric that is not modelled here: such a policy is kept and never acts.
    """
    settings = policy["TargetTrackingScalingPolicyConfiguration"]
    metric = _metric(settings, endpoint, variant)
    if metric is None:
        return None
    alarm = {**metric, "TreatMissingData": "notBreaching", "StateValue": "OK"}
    target = settings["TargetValue"]
    above = {"ComparisonOperator": "GreaterThanThreshold", "Threshold": target, "EvaluationPeriods": _OUT_PERIODS}
    below = {"ComparisonOperator": "LessThanThreshold", "Threshold": target * _IN_SHARE}
    return {**alarm, **above}, {**alarm, **below, "EvaluationPeriods": _IN_SECONDS // metric["Period"]}


def _metric(settings: dict[str, Any], endpoint: str, variant: str) -> dict[str, Any] | None:
    if "PredefinedMetricSpecification" in settings:
        found = _PREDEFINED.get(settings["PredefinedMetricSpecification"]["PredefinedMetricType"])
        if found is None:
            return None
        dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
        if found[0].endswith("PerCopy"):
            dimensions = [{"Name": "InferenceComponentName", "Value": endpoint}]
        names = ("MetricName", "Statistic", "Period")
        return {"Namespace": _NAMESPACE, "Dimensions": dimensions, **dict(zip(names, found, strict=True))}
    custom = settings["CustomizedMetricSpecification"]
    if "MetricName" not in custom:
        return None
    return {"Dimensions": [], **custom, "Period": 60}


def tracked_capacity(capacity: int, value: float, target: float) -> int:
    """Return the capacity at which a metric for each unit would be at its target."""
    return math.ceil(max(1, capacity) * value / target)


def stepped_capacity(capacity: int, policy: dict[str, Any], excess: float) -> int:
    """Return the capacity that a step scaling policy asks for.

    Args:
        capacity: What there is.
        policy: A step scaling policy.
        excess: How far the metric is above the alarm's threshold; negative below it.
    """
    settings = policy["StepScalingPolicyConfiguration"]
    for step in settings["StepAdjustments"]:
        low = step.get("MetricIntervalLowerBound", -math.inf)
        high = step.get("MetricIntervalUpperBound", math.inf)
        # Above the threshold a step holds its lower bound, below it its upper one.
        if (excess >= 0 and low <= excess < high) or (excess <= 0 and low < excess <= high):
            return _adjusted(capacity, settings, step["ScalingAdjustment"])
    return capacity


def _adjusted(capacity: int, settings: dict[str, Any], change: int) -> int:
    if settings["AdjustmentType"] == "ExactCapacity":
        return change
    if settings["AdjustmentType"] == "PercentChangeInCapacity":
        size = abs(capacity * change) / 100
        steps = max(int(size) if size >= 1 else 1, settings.get("MinAdjustmentMagnitude", 1))
        change = int(math.copysign(steps, change))
    return capacity + change
