from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_applicationautoscaling as autoscaling
from constructs import Construct

if TYPE_CHECKING:
    from constructs import IDependable

    from slipway.specs.scaling import Scaling

METRICS: Final = {
    "concurrency": "SageMakerVariantConcurrentRequestsPerModelHighResolution",
    "invocations": "SageMakerVariantInvocationsPerInstance",
}


class VariantScaling(Construct):
    """Keep a variant's fleet at its target.

    Args:
        endpoint: Must exist before its fleet can be registered.
        endpoint_name: Its name.
        variant: Whose fleet it is.
        scaling: Bounds and target.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: IDependable,
        endpoint_name: str,
        variant: str,
        scaling: Scaling,
    ) -> None:
        super().__init__(scope, construct_id)
        target = autoscaling.CfnScalableTarget(
            self,
            "Target",
            max_capacity=scaling.instances.max,
            min_capacity=scaling.instances.min,
            resource_id=f"endpoint/{endpoint_name}/variant/{variant}",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            service_namespace="sagemaker",
        )
        target.node.add_dependency(endpoint)
        self._policy(target, scaling)

    def _policy(self, target: autoscaling.CfnScalableTarget, scaling: Scaling) -> None:
        policy = autoscaling.CfnScalingPolicy
        policy(
            self,
            "Policy",
            policy_name=scaling.track,
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
                predefined_metric_specification=policy.PredefinedMetricSpecificationProperty(
                    predefined_metric_type=METRICS[scaling.track]
                ),
                scale_in_cooldown=scaling.scale_in_cooldown_seconds,
                scale_out_cooldown=scaling.scale_out_cooldown_seconds,
                target_value=scaling.target,
            ),
        )
