from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_sagemaker as sagemaker

from sagemaker_hosting.folder_rights import grant_folder
from sagemaker_hosting.instance_endpoint import InstanceEndpoint
from sagemaker_hosting.model_folder import ModelFolder
from sagemaker_hosting.model_size import tell_size
from sagemaker_hosting.variant_scaling import VariantScaling
from slipway.specs.timeouts import STARTUP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Construct

    from sagemaker_hosting.served import Served
    from sagemaker_hosting.site import Site
    from slipway.specs import Artifact, MultiModelEndpointSpec

VARIANT: Final = "AllTraffic"


class MultiModelEndpoint(InstanceEndpoint):
    """Define a multi-model endpoint: one fleet, and a folder of archives that it loads as they are asked for.

    Models of ours lie in a folder that is named by what is in it: a changed model is another folder, and with it a new
    SageMaker Model and a guarded rollout. A folder of somebody else's is read as it is, and takes new archives without
    a deployment.

    Args:
        spec: The endpoint to define.
        endpoint_name: Its name in the account.
        artifacts: Each model that it names.
        site: Where it goes.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        spec: MultiModelEndpointSpec,
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
        given = spec.startup_timeout_seconds
        self._startup_seconds = STARTUP_SECONDS if given is None else given
        model = self._model([artifacts[name] for name in spec.models or ()])
        endpoint = self._endpoint(
            self._fleet_config(model),
            rollout=spec.rollout,
            scaled=spec.scaling is not None,
            startup_seconds=self._startup_seconds,
        )
        if spec.scaling is not None:
            VariantScaling(
                self, "Scaling", endpoint=endpoint, endpoint_name=endpoint_name, scaling=spec.scaling, variant=VARIANT
            )

    def _model(self, artifacts: list[Artifact]) -> sagemaker.CfnModel:
        spec, (url, archives) = self._spec, self._folder(artifacts)
        cache = sagemaker.CfnModel.MultiModelConfigProperty(model_cache_setting="Enabled" if spec.cache else "Disabled")
        model = sagemaker.CfnModel(
            self,
            "Model",
            enable_network_isolation=spec.network_isolation,
            execution_role_arn=self._role.role.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                environment=self._variables(artifacts),
                image=self._images.of(spec.server, spec.instance_type).uri,
                mode="MultiModel",
                model_data_url=url,
                multi_model_config=cache,
            ),
            vpc_config=self._place(),
        )
        if archives:
            # `cdk gc` keeps what a template names, and the folder alone names none of them.
            model.add_metadata("slipway:archives", archives)
        if artifacts:
            tell_size(model, [max(artifacts, key=lambda artifact: artifact.locked.archive.size_bytes)])
        model.node.add_dependency(self._role.policy)
        CfnOutput(Stack.of(self), "ModelFolder", value=url)
        return model

    def _served(self, artifacts: list[Artifact]) -> list[Served]:
        return [self._images.serve(it, self._spec.server, self._spec.instance_type) for it in artifacts]

    def _variables(self, artifacts: list[Artifact]) -> dict[str, str] | None:
        """Return the container's variables; what a server says of one model holds for all that it loads."""
        every = self._spec.server.variables_of_many()
        for served in self._served(artifacts):
            every |= served.variables({}) or {}
        return {**every, **self._spec.environment} or None

    def _folder(self, artifacts: list[Artifact]) -> tuple[str, list[str]]:
        """Return where the archives lie, and the keys of those that this stack uploads; the role may read them."""
        role, url = self._role.role, self._spec.prefix
        if url is None:
            folder = ModelFolder(self, "Models", models=self._served(artifacts), uploads=self._site.uploads)
            folder.grant_read(role)
            return folder.url, folder.keys
        place = urlsplit(url)
        grant_folder(role, bucket=place.netloc, prefix=place.path.lstrip("/"), key_arn=self._spec.prefix_key)
        return url, []

    def _fleet_config(self, model: sagemaker.CfnModel) -> sagemaker.CfnEndpointConfig:
        spec = self._spec
        fixed = 1 if spec.instances is None else spec.instances
        variant = sagemaker.CfnEndpointConfig.ProductionVariantProperty(
            container_startup_health_check_timeout_in_seconds=self._startup_seconds,
            initial_instance_count=fixed if spec.scaling is None else spec.scaling.instances.min,
            initial_variant_weight=1,
            instance_type=spec.instance_type,
            model_name=model.attr_model_name,
            variant_name=VARIANT,
            volume_size_in_gb=spec.volume_gib,
        )
        return self._config([spec.instance_type], capture=spec.capture, variants=[variant])
