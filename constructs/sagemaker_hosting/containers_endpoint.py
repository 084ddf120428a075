from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Literal

from aws_cdk import aws_sagemaker as sagemaker

from sagemaker_hosting.hosted_containers import HostedContainers
from sagemaker_hosting.instance_endpoint import InstanceEndpoint
from sagemaker_hosting.production_variant import routing_config
from sagemaker_hosting.variant_scaling import VariantScaling
from slipway.specs.timeouts import download_timeout_seconds, startup_timeout_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Construct

    from sagemaker_hosting.served import Served
    from sagemaker_hosting.site import Site
    from slipway.specs import Artifact
    from slipway.specs.containers import ContainersSpec

VARIANT: Final = "AllTraffic"


class ContainersEndpoint(InstanceEndpoint):
    """Define an endpoint whose machines each run all of its containers; a subclass says who answers a request.

    Alarms watch the variant, whose metrics count the requests of all containers.

    Args:
        spec: The endpoint to define.
        endpoint_name: Its name in the account.
        artifacts: Each model that a container names.
        site: Where it goes.
    """

    mode: ClassVar[Literal["Direct", "Serial"]]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        spec: ContainersSpec,
        endpoint_name: str,
        artifacts: Mapping[str, Artifact],
        site: Site,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            alarms=spec.alarms,
            endpoint_name=endpoint_name,
            fleets={VARIANT: spec.instance_type},
            kind=spec.kind,
            site=site,
        )
        self._spec = spec
        # One for each container: a model that two of them serve is fetched and unpacked twice.
        self._artifacts = [artifacts[model] for _, model in spec.hosted_models()]
        model = HostedContainers(
            self,
            "Model",
            served=self._served(artifacts),
            mode=self.mode,
            role=self._role,
            spec=spec,
            uploads=site.uploads,
            vpc_config=self._place(),
        )
        endpoint = self._endpoint(
            self._config([spec.instance_type], capture=spec.capture, variants=[self._variant(model)]),
            rollout=spec.rollout,
            scaled=spec.scaling is not None,
            startup_seconds=startup_timeout_seconds(spec, *self._artifacts),
        )
        if spec.scaling is not None:
            VariantScaling(
                self, "Scaling", endpoint=endpoint, endpoint_name=endpoint_name, scaling=spec.scaling, variant=VARIANT
            )

    def _served(self, artifacts: Mapping[str, Artifact]) -> dict[str, Served]:
        return {
            it.name: self._images.serve(artifacts[it.model], it.server, self._spec.instance_type)
            for it in self._spec.containers
        }

    def _variant(self, model: HostedContainers) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
        spec = self._spec
        fixed = 1 if spec.instances is None else spec.instances
        return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
            container_startup_health_check_timeout_in_seconds=startup_timeout_seconds(spec, *self._artifacts),
            initial_instance_count=fixed if spec.scaling is None else spec.scaling.instances.min,
            initial_variant_weight=1,
            instance_type=spec.instance_type,
            model_data_download_timeout_in_seconds=download_timeout_seconds(spec, *self._artifacts),
            model_name=model.model_name,
            routing_config=None if spec.routing is None else routing_config(spec.routing),
            variant_name=VARIANT,
            volume_size_in_gb=spec.volume_gib,
        )
