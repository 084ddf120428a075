from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_applicationautoscaling as autoscaling
from constructs import Construct

from sagemaker_hosting.scalable_target import scalable_target
from sagemaker_hosting.scheduled_actions import scheduled_actions
from slipway.catalog.alarms import WAKE_UP

if TYPE_CHECKING:
    from constructs import IDependable

    from sagemaker_hosting.endpoint_watch import EndpointWatch
    from slipway.specs.async_parts import AsyncScaling

NAMESPACE: Final = "AWS/SageMaker"
_Policy = autoscaling.CfnScalingPolicy


class BacklogScaling(Construct):
    """Keep an asynchronous fleet at its backlog for each instance, and wake it up when it sleeps.

    It takes two policies: the target is tracked per instance, and where there is none, nothing is per instance, so that
    a fleet of none would sleep until the backlog passes the target. An alarm on requests that wait for a fleet of none
    calls the second policy, which adds the first instance.

    Args:
        endpoint: Must exist before its fleet can be registered.
        variant: Whose fleet it is.
        scaling: Bounds, target, what is scheduled.
        watch: Of the endpoint.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: IDependable,
        variant: str,
        scaling: AsyncScaling,
        watch: EndpointWatch,
    ) -> None:
        super().__init__(scope, construct_id)
        self._watch = watch
        target = scalable_target(
            self,
            endpoint=endpoint,
            endpoint_name=watch.endpoint_name,
            variant=variant,
            dimension="DesiredInstanceCount",
            bounds=(scaling.instances.min, scaling.instances.max),
            scheduled_actions=scheduled_actions(scaling),
        )
        self._track(target, scaling)
        if scaling.may_sleep:
            self._wake_up(target, scaling)

    def _track(self, target: autoscaling.CfnScalableTarget, scaling: AsyncScaling) -> None:
        _Policy(
            self,
            "Policy",
            policy_name="backlog",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=_Policy.TargetTrackingScalingPolicyConfigurationProperty(
                customized_metric_specification=_Policy.CustomizedMetricSpecificationProperty(
                    dimensions=[_Policy.MetricDimensionProperty(name="EndpointName", value=self._watch.endpoint_name)],
                    metric_name="ApproximateBacklogSizePerInstance",
                    namespace=NAMESPACE,
                    statistic="Average",
                ),
                scale_in_cooldown=scaling.scale_in_cooldown_seconds,
                scale_out_cooldown=scaling.scale_out_cooldown_seconds,
                target_value=scaling.target,
            ),
        )

    def _wake_up(self, target: autoscaling.CfnScalableTarget, scaling: AsyncScaling) -> None:
        first = _Policy.StepAdjustmentProperty(metric_interval_lower_bound=0, scaling_adjustment=1)
        policy = _Policy(
            self,
            "WakeUpPolicy",
            policy_name="wake-up",
            policy_type="StepScaling",
            scaling_target_id=target.ref,
            step_scaling_policy_configuration=_Policy.StepScalingPolicyConfigurationProperty(
                adjustment_type="ChangeInCapacity",
                cooldown=scaling.scale_out_cooldown_seconds,
                metric_aggregation_type="Average",
                step_adjustments=[first],
            ),
        )
        self._watch.add_wake_up(self, WAKE_UP, dimensions={}, policy_arn=policy.ref)
