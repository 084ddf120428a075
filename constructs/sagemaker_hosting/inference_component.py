"""What an inference component is to SageMaker: one model, what each copy needs, how a new version takes over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_sagemaker as sagemaker

from sagemaker_hosting.rollout import longest_seconds
from slipway.specs.timeouts import download_timeout_seconds, startup_timeout_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.specs import Artifact
    from slipway.specs.component import Component
    from slipway.specs.parts import Rolling

_Component = sagemaker.CfnInferenceComponent


def component_specification(
    component: Component, *, artifact: Artifact, model_name: str
) -> sagemaker.CfnInferenceComponent.InferenceComponentSpecificationProperty:
    """Describe what a component runs, and what each of its copies gets.

    Args:
        component: As the endpoint's spec has it.
        artifact: Its built model, whose size says how long to wait for it.
        model_name: Of its SageMaker Model; a new one replaces the copies batch by batch.
    """
    return _Component.InferenceComponentSpecificationProperty(
        compute_resource_requirements=_Component.InferenceComponentComputeResourceRequirementsProperty(
            max_memory_required_in_mb=component.max_memory_mib,
            min_memory_required_in_mb=component.memory_mib,
            number_of_accelerator_devices_required=component.accelerators,
            number_of_cpu_cores_required=component.cpus,
        ),
        model_name=model_name,
        startup_parameters=_Component.InferenceComponentStartupParametersProperty(
            container_startup_health_check_timeout_in_seconds=startup_timeout_seconds(component, artifact),
            model_data_download_timeout_in_seconds=download_timeout_seconds(component, artifact),
        ),
    )


def component_deployment(
    rollout: Rolling, *, alarm_names: Sequence[str], startup_seconds: int
) -> sagemaker.CfnInferenceComponent.InferenceComponentDeploymentConfigProperty:
    """Describe a rolling update that alarms call back.

    Args:
        rollout: As the endpoint's spec has it.
        alarm_names: At most ten; any of them in alarm brings the old copies back.
        startup_seconds: How long a copy may take to start.
    """
    return _Component.InferenceComponentDeploymentConfigProperty(
        auto_rollback_configuration=_Component.AutoRollbackConfigurationProperty(
            alarms=[_Component.AlarmProperty(alarm_name=name) for name in alarm_names]
        ),
        rolling_update_policy=_Component.InferenceComponentRollingUpdatePolicyProperty(
            maximum_batch_size=_share(rollout.percent),
            maximum_execution_timeout_in_seconds=longest_seconds(rollout, startup_seconds),
            rollback_maximum_batch_size=_share(rollout.rollback_percent),
            wait_interval_in_seconds=rollout.bake_minutes * 60,
        ),
    )


def _share(percent: int) -> sagemaker.CfnInferenceComponent.InferenceComponentCapacitySizeProperty:
    return _Component.InferenceComponentCapacitySizeProperty(type="CAPACITY_PERCENT", value=percent)
