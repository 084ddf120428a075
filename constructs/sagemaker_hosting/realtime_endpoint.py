from __future__ import annotations

from typing import TYPE_CHECKING

from constructs import Construct

from sagemaker_hosting.hosted_model import HostedModel
from sagemaker_hosting.instance_endpoint import InstanceEndpoint
from sagemaker_hosting.production_variant import production_variant
from sagemaker_hosting.variant_scaling import VariantScaling
from slipway.catalog import instance_types
from slipway.specs.timeouts import startup_timeout_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_sagemaker as sagemaker

    from sagemaker_hosting.site import Site
    from slipway.specs import Artifact, RealtimeEndpointSpec
    from slipway.specs.parts import Variant


class RealtimeEndpoint(InstanceEndpoint):
    """Define a real-time endpoint: a fleet for each variant, scaled, watched, and rolled out with a way back.

    Args:
        spec: The endpoint to define.
        endpoint_name: Its name in the account.
        artifacts: Each model that a variant names.
        site: Where it goes.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        spec: RealtimeEndpointSpec,
        endpoint_name: str,
        artifacts: Mapping[str, Artifact],
        site: Site,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            alarms=spec.alarms,
            endpoint_name=endpoint_name,
            fleets={variant.name: variant.instance_type for variant in spec.variants},
            kind=spec.kind,
            site=site,
        )
        self._spec = spec
        self._fleets = [variant for _, variant in spec.fleets()]
        self._artifacts = artifacts
        endpoint = self._endpoint(
            self._fleet_config(self._models()),
            rollout=spec.rollout,
            scaled=any(spec.scaling_of(variant) is not None for variant in spec.variants),
            startup_seconds=max(startup_timeout_seconds(variant, artifacts[variant.model]) for variant in self._fleets),
        )
        self._scale(endpoint)

    def _models(self) -> dict[str, str]:
        scope, vpc_config = Construct(self, "Models"), self._place()
        return {
            variant.name: HostedModel(
                scope,
                variant.name,
                served=self._images.serve(self._artifacts[variant.model], variant.server, variant.instance_type),
                role=self._role,
                uploads=self._site.uploads,
                environment=variant.environment,
                network_isolation=self._spec.network_isolation,
                vpc_config=vpc_config,
            ).model_name
            for variant in self._fleets
        }

    def _fleet_config(self, models: Mapping[str, str]) -> sagemaker.CfnEndpointConfig:
        shadows = self._fleets[len(self._spec.variants) :]
        return self._config(
            (name for variant in self._fleets for _, name in variant.machines()),
            capture=self._spec.capture,
            shadow_production_variants=[self._variant(shadow, models) for shadow in shadows] or None,
            variants=[self._variant(variant, models) for variant in self._spec.variants],
        )

    def _variant(
        self, variant: Variant, models: Mapping[str, str]
    ) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
        return production_variant(
            variant,
            artifact=self._artifacts[variant.model],
            model_name=models[variant.name],
            scaling=self._spec.scaling_of(variant) if variant in self._spec.variants else None,
            ami=variant.server.ami(self._site.environment.region, instance_types()[variant.instance_type]),
        )

    def _scale(self, endpoint: sagemaker.CfnEndpoint) -> None:
        scope = Construct(self, "Scaling")
        for variant in self._spec.variants:
            scaling = self._spec.scaling_of(variant)
            if scaling is not None:
                VariantScaling(
                    scope,
                    variant.name,
                    endpoint=endpoint,
                    endpoint_name=self._name,
                    scaling=scaling,
                    variant=variant.name,
                )
