from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_applicationautoscaling as autoscaling
from constructs import Construct

from sagemaker_hosting.scalable_target import scalable_target

if TYPE_CHECKING:
    from constructs import IDependable

    from slipway.specs.provisioned import ProvisionedScaling as Rule


class ProvisionedScaling(Construct):
    """Keep a serverless variant's provisioned concurrency at a share in use.

    Args:
        endpoint: Must exist before its variant can be registered.
        endpoint_name: Its name.
        variant: Whose concurrency it is.
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
        scaling: Rule,
    ) -> None:
        super().__init__(scope, construct_id)
        target = scalable_target(
            self,
            endpoint=endpoint,
            endpoint_name=endpoint_name,
            variant=variant,
            dimension="DesiredProvisionedConcurrency",
            bounds=(scaling.provisioned.min, scaling.provisioned.max),
        )
        policy = autoscaling.CfnScalingPolicy
        policy(
            self,
            "Policy",
            policy_name="utilization",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
                predefined_metric_specification=policy.PredefinedMetricSpecificationProperty(
                    predefined_metric_type="SageMakerVariantProvisionedConcurrencyUtilization"
                ),
                scale_in_cooldown=scaling.scale_in_cooldown_seconds,
                scale_out_cooldown=scaling.scale_out_cooldown_seconds,
                target_value=scaling.target,
            ),
        )
