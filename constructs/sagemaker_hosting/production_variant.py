"""What a variant is to SageMaker: one model on one fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_sagemaker as sagemaker

from slipway.specs.timeouts import download_timeout_seconds, startup_timeout_seconds

if TYPE_CHECKING:
    from slipway.specs import Artifact
    from slipway.specs.parts import Variant
    from slipway.specs.scaling import AnyScaling

_Config = sagemaker.CfnEndpointConfig


def production_variant(
    variant: Variant, *, artifact: Artifact, model_name: str, scaling: AnyScaling | None, ami: str | None = None
) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
    """Describe a variant of an endpoint config.

    Args:
        variant: As the endpoint's spec has it.
        artifact: Its built model, whose size says how long to wait for it.
        model_name: Of its SageMaker Model.
        scaling: What decides its fleet's size; None where the spec does.
        ami: System image of its machines.
            Default: SageMaker's own choice.
    """
    fixed = 1 if variant.instances is None else variant.instances
    return _Config.ProductionVariantProperty(
        container_startup_health_check_timeout_in_seconds=startup_timeout_seconds(variant, artifact),
        inference_ami_version=ami,
        initial_instance_count=fixed if scaling is None else scaling.instances.min,
        initial_variant_weight=variant.weight,
        instance_pools=_pools(variant),
        # Source: pools take the type's place, "you replace the InstanceType parameter with an InstancePools list".
        instance_type=None if variant.fallback else variant.instance_type,
        model_data_download_timeout_in_seconds=download_timeout_seconds(variant, artifact),
        model_name=model_name,
        routing_config=None if variant.routing is None else routing_config(variant.routing),
        variant_instance_provision_timeout_in_seconds=variant.provision_timeout_seconds,
        variant_name=variant.name,
        volume_size_in_gb=variant.volume_gib,
    )


def routing_config(strategy: str) -> sagemaker.CfnEndpointConfig.RoutingConfigProperty:
    """Describe which of a fleet's machines takes a request, by the spec's word."""
    return _Config.RoutingConfigProperty(routing_strategy=strategy.upper().replace("-", "_"))


def _pools(variant: Variant) -> list[sagemaker.CfnEndpointConfig.InstancePoolProperty] | None:
    if not variant.fallback:
        return None
    return [
        _Config.InstancePoolProperty(instance_type=name, priority=priority)
        for priority, (_, name) in enumerate(variant.machines(), start=1)
    ]
