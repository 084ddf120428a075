from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_applicationautoscaling as autoscaling
from constructs import Construct

from slipway.catalog.alarms import COMPONENT_WAKE_UP

if TYPE_CHECKING:
    from constructs import IDependable

    from sagemaker_hosting.endpoint_watch import EndpointWatch
    from slipway.specs.component import CopyScaling as CopyScalingSpec

METRICS: Final = {
    "concurrency": "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution",
    "invocations": "SageMakerInferenceComponentInvocationsPerCopy",
}
_Policy = autoscaling.CfnScalingPolicy


class CopyScaling(Construct):
    """Keep a component's copies at their target, and wake it up when it has none.

    It takes two policies: the target is tracked per copy, and where there is none nothing is per copy. A request that
    no copy could take is refused and counted, and an alarm on that count calls the second policy, which adds the first
    copy; SageMaker then adds the instance that it needs.

    Args:
        component: Must exist before its copies can be registered.
        component_name: Its name in the account.
        scaling: Bounds and target.
        watch: Of the endpoint.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        component: IDependable,
        component_name: str,
        scaling: CopyScalingSpec,
        watch: EndpointWatch,
    ) -> None:
        super().__init__(scope, construct_id)
        self._name = component_name
        self._scaling = scaling
        self._watch = watch
        target = autoscaling.CfnScalableTarget(
            self,
            "Target",
            max_capacity=scaling.copies.max,
            min_capacity=scaling.copies.min,
            resource_id=f"inference-component/{component_name}",
            scalable_dimension="sagemaker:inference-component:DesiredCopyCount",
            service_namespace="sagemaker",
        )
        target.node.add_dependency(component)
        self._track(target)
        if scaling.copies.min == 0:
            self._wake_up(target)

    def _track(self, target: autoscaling.CfnScalableTarget) -> None:
        scaling = self._scaling
        _Policy(
            self,
            "Policy",
            policy_name=scaling.track,
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=_Policy.TargetTrackingScalingPolicyConfigurationProperty(
                predefined_metric_specification=_Policy.PredefinedMetricSpecificationProperty(
                    predefined_metric_type=METRICS[scaling.track]
                ),
                scale_in_cooldown=scaling.scale_in_cooldown_seconds,
                scale_out_cooldown=scaling.scale_out_cooldown_seconds,
                target_value=scaling.target,
            ),
        )

    def _wake_up(self, target: autoscaling.CfnScalableTarget) -> None:
        policy = _Policy(
            self,
            "WakeUpPolicy",
            policy_name="wake-up",
            policy_type="StepScaling",
            scaling_target_id=target.ref,
            step_scaling_policy_configuration=_Policy.StepScalingPolicyConfigurationProperty(
                adjustment_type="ChangeInCapacity",
                cooldown=self._scaling.scale_out_cooldown_seconds,
                metric_aggregation_type="Maximum",
                step_adjustments=[_Policy.StepAdjustmentProperty(metric_interval_lower_bound=0, scaling_adjustment=1)],
            ),
        )
        self._watch.add_wake_up(
            self,
            COMPONENT_WAKE_UP,
            dimensions={"InferenceComponentName": self._name},
            policy_arn=policy.ref,
            whose=self._name,
        )
