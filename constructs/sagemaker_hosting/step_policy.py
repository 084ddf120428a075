from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slipway.specs.scaling import Metric, StepScaling

AGGREGATIONS: Final = {"minimum": "Minimum", "maximum": "Maximum"}
"""How a policy sums up an alarm's values; it knows no sums and counts, whose alarms have one value a minute."""


def statistic_of(metric: Metric) -> str:
    """Return a statistic in CloudWatch's spelling."""
    return "".join(word.capitalize() for word in metric.statistic.split("-"))


class StepPolicy(Construct):
    """Change a fleet by steps while an alarm says that a metric is beyond a bound.

    Args:
        target: The registered fleet.
        direction: Whether machines are added above the bounds or removed below them.
        scaling: Bounds, steps, metric and patience.
        dimensions: Whose values of the metric.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        target: autoscaling.CfnScalableTarget,
        direction: Literal["grow", "shrink"],
        scaling: StepScaling,
        dimensions: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        steps = _growing(scaling) if direction == "grow" else _shrinking(scaling)
        policy = autoscaling.CfnScalingPolicy(
            self,
            "Resource",
            policy_name=direction,
            policy_type="StepScaling",
            scaling_target_id=target.ref,
            step_scaling_policy_configuration=_configuration(steps, direction, scaling),
        )
        metric, words = scaling.metric, "above" if direction == "grow" else "below"
        cloudwatch.CfnAlarm(
            self,
            "Alarm",
            alarm_actions=[policy.ref],
            alarm_description=f"{metric.name} is {words} {steps[0][0]:g}: the fleet shall {direction}",
            comparison_operator="GreaterThanThreshold" if direction == "grow" else "LessThanThreshold",
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value) for name, value in dimensions.items()
            ],
            evaluation_periods=scaling.for_minutes,
            metric_name=metric.name,
            namespace=metric.namespace,
            period=60,
            statistic=statistic_of(metric),
            threshold=steps[0][0],
            # A metric that nobody publishes is no reason to change anything.
            treat_missing_data="notBreaching",
        )


def _growing(scaling: StepScaling) -> list[tuple[float, int]]:
    return sorted((step.above, step.add) for step in scaling.grow)


def _shrinking(scaling: StepScaling) -> list[tuple[float, int]]:
    return sorted(((step.below, -step.remove) for step in scaling.shrink), reverse=True)


def _configuration(
    steps: Sequence[tuple[float, int]], direction: str, scaling: StepScaling
) -> autoscaling.CfnScalingPolicy.StepScalingPolicyConfigurationProperty:
    policy = autoscaling.CfnScalingPolicy
    # Bounds are counted from the alarm's threshold; the outermost step has no end.
    offsets: list[float | None] = [bound - steps[0][0] for bound, _ in steps]
    near, far = ("lower", "upper") if direction == "grow" else ("upper", "lower")
    return policy.StepScalingPolicyConfigurationProperty(
        adjustment_type="ChangeInCapacity",
        cooldown=scaling.scale_out_cooldown_seconds if direction == "grow" else scaling.scale_in_cooldown_seconds,
        metric_aggregation_type=AGGREGATIONS.get(scaling.metric.statistic, "Average"),
        step_adjustments=[
            policy.StepAdjustmentProperty(
                scaling_adjustment=change,
                **{f"metric_interval_{near}_bound": begin, f"metric_interval_{far}_bound": end},
            )
            for (_, change), begin, end in zip(steps, offsets, [*offsets[1:], None], strict=True)
        ],
    )
