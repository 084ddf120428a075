from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_applicationautoscaling as autoscaling
from constructs import Construct

from sagemaker_hosting.scalable_target import scalable_target
from sagemaker_hosting.scheduled_actions import scheduled_actions
from sagemaker_hosting.step_policy import StepPolicy, statistic_of
from slipway.specs.scaling import MetricScaling, StepScaling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import IDependable

    from slipway.specs.scaling import AnyScaling, LoadScaling, Metric

METRICS: Final = {
    "concurrency": "SageMakerVariantConcurrentRequestsPerModelHighResolution",
    "invocations": "SageMakerVariantInvocationsPerInstance",
}


class VariantScaling(Construct):
    """Keep a variant's fleet at its target, or move it by steps, within bounds that the clock may change.

    Args:
        endpoint: Must exist before its fleet can be registered.
        endpoint_name: Its name.
        variant: Whose fleet it is.
        scaling: Bounds, what is followed, what is scheduled.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: IDependable,
        endpoint_name: str,
        variant: str,
        scaling: AnyScaling,
    ) -> None:
        super().__init__(scope, construct_id)
        target = scalable_target(
            self,
            endpoint=endpoint,
            endpoint_name=endpoint_name,
            variant=variant,
            dimension="DesiredInstanceCount",
            bounds=(scaling.instances.min, scaling.instances.max),
            scheduled_actions=scheduled_actions(scaling),
        )
        self._dimensions = {"EndpointName": endpoint_name, "VariantName": variant}
        if isinstance(scaling, StepScaling):
            self._steps(target, scaling)
        else:
            self._track(target, scaling)

    def _track(self, target: autoscaling.CfnScalableTarget, scaling: LoadScaling | MetricScaling) -> None:
        policy = autoscaling.CfnScalingPolicy
        custom, metric_type = None, None
        if isinstance(scaling, MetricScaling):
            custom = self._custom(scaling.metric)
        else:
            metric_type = policy.PredefinedMetricSpecificationProperty(predefined_metric_type=METRICS[scaling.track])
        policy(
            self,
            "Policy",
            policy_name=scaling.track,
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
                customized_metric_specification=custom,
                predefined_metric_specification=metric_type,
                scale_in_cooldown=scaling.scale_in_cooldown_seconds,
                scale_out_cooldown=scaling.scale_out_cooldown_seconds,
                target_value=scaling.target,
            ),
        )

    def _custom(self, metric: Metric) -> autoscaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty:
        policy = autoscaling.CfnScalingPolicy
        return policy.CustomizedMetricSpecificationProperty(
            dimensions=[
                policy.MetricDimensionProperty(name=name, value=value)
                for name, value in self._dimensions_of(metric).items()
            ],
            metric_name=metric.name,
            namespace=metric.namespace,
            statistic=statistic_of(metric),
        )

    def _steps(self, target: autoscaling.CfnScalableTarget, scaling: StepScaling) -> None:
        dimensions = self._dimensions_of(scaling.metric)
        StepPolicy(self, "Grow", dimensions=dimensions, direction="grow", scaling=scaling, target=target)
        StepPolicy(self, "Shrink", dimensions=dimensions, direction="shrink", scaling=scaling, target=target)

    def _dimensions_of(self, metric: Metric) -> Mapping[str, str]:
        return self._dimensions if metric.dimensions is None else metric.dimensions
