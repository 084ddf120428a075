from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagemaker_hosting.data_capture import data_capture_config
from sagemaker_hosting.endpoint_alarms import EndpointAlarms
from sagemaker_hosting.execution_role import ExecutionRole
from sagemaker_hosting.hosted_model import HostedModel
from sagemaker_hosting.log_group import LogGroup
from sagemaker_hosting.placement import Placement
from sagemaker_hosting.production_variant import production_variant
from sagemaker_hosting.rollout import deployment_config
from sagemaker_hosting.server_image import ServerImage
from sagemaker_hosting.variant_scaling import VariantScaling
from slipway.catalog import instance_types
from slipway.specs.timeouts import startup_timeout_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagemaker_hosting.site import Site
    from slipway.specs import Artifact, RealtimeEndpointSpec
    from slipway.specs.parts import Capture, Variant


class RealtimeEndpoint(Construct):
    """Define a real-time endpoint: a fleet for each variant, scaled, watched, and rolled out with a way back.

    The endpoint alone has a name. A changed archive, image or variable replaces the model it concerns and the endpoint
    config; the endpoint then moves its traffic as the rollout says, and back if an alarm of the new config fires.

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
        super().__init__(scope, construct_id)
        self._spec = spec
        self._fleets = [variant for _, variant in spec.fleets()]
        self._name = endpoint_name
        self._artifacts = artifacts
        self._site = site
        self._role = ExecutionRole(self, "ExecutionRole")
        models = self._models(self._images())
        config = self._config(models)
        endpoint = self._endpoint(config)
        self._scale(endpoint)
        self._alarms("Alarms")

    def _images(self) -> dict[str, ServerImage]:
        scope, site = Construct(self, "Images"), self._site
        images: dict[str, ServerImage] = {
            server: ServerImage(
                scope,
                server,
                prebuilt=site.environment.images.get(server),
                server=server,
                source_root=site.source_root,
            )
            for server in sorted({variant.server for variant in self._fleets})
        }
        for image in images.values():
            image.grant_pull(self._role.role)
        return images

    def _models(self, images: Mapping[str, ServerImage]) -> dict[str, str]:
        scope, vpc_config = Construct(self, "Models"), self._place()
        return {
            variant.name: HostedModel(
                scope,
                variant.name,
                artifact=self._artifacts[variant.model],
                image=images[variant.server],
                role=self._role,
                environment=variant.environment,
                network_isolation=self._spec.network_isolation,
                vpc_config=vpc_config,
            ).model_name
            for variant in self._fleets
        }

    def _place(self) -> sagemaker.CfnModel.VpcConfigProperty | None:
        network = self._site.environment.network
        if network is None:
            return None
        placement = Placement(self, "Placement", network=network, description=f"Containers of {self._name}")
        self._role.grant_network(network, placement.security_groups)
        return placement.vpc_config

    def _config(self, models: Mapping[str, str]) -> sagemaker.CfnEndpointConfig:
        return sagemaker.CfnEndpointConfig(
            self,
            "Config",
            data_capture_config=None if self._spec.capture is None else self._capture(self._spec.capture),
            kms_key_id=self._volume_key(),
            production_variants=[self._variant(variant, models) for variant in self._spec.variants],
            shadow_production_variants=[
                self._variant(shadow, models) for shadow in self._fleets[len(self._spec.variants) :]
            ]
            or None,
        )

    def _variant(
        self, variant: Variant, models: Mapping[str, str]
    ) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
        return production_variant(
            variant,
            artifact=self._artifacts[variant.model],
            model_name=models[variant.name],
            scaling=self._spec.scaling_of(variant) if variant in self._spec.variants else None,
        )

    def _volume_key(self) -> str | None:
        # A config with one machine that has its own (always encrypted) NVMe disk is refused with a key.
        nvme = any(instance_types()[variant.instance_type].nvme for variant in self._fleets)
        return None if nvme else self._site.shared.key_arn

    def _capture(self, capture: Capture) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty:
        shared = self._site.shared
        self._role.grant_capture(bucket=shared.capture_bucket, prefix=self._name, key_arn=shared.key_arn)
        return data_capture_config(capture, bucket=shared.capture_bucket, prefix=self._name, key_arn=shared.key_arn)

    def _endpoint(self, config: sagemaker.CfnEndpointConfig) -> sagemaker.CfnEndpoint:
        watch = self._alarms("RollbackAlarms", endpoint_config_name=config.attr_endpoint_config_name)
        scaled = any(self._spec.scaling_of(variant) is not None for variant in self._spec.variants)
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Resource",
            deployment_config=deployment_config(
                self._spec.rollout,
                alarm_names=[alarm.ref for alarm in watch.alarms],
                startup_seconds=max(
                    startup_timeout_seconds(variant, self._artifacts[variant.model]) for variant in self._fleets
                ),
            ),
            endpoint_config_name=config.attr_endpoint_config_name,
            endpoint_name=self._name,
            # What autoscaling decided is kept; weights and capture are what the spec says, as reviewed.
            exclude_retained_variant_properties=_excluded("DesiredWeight", "DataCaptureConfig") if scaled else None,
            retain_all_variant_properties=scaled,
        )
        endpoint.node.add_dependency(self._role.grant_watch(watch.alarms), self._logs())
        return endpoint

    def _logs(self) -> LogGroup:
        logs = LogGroup(
            self,
            "Logs",
            key_arn=self._site.shared.key_arn,
            keep_data=self._site.environment.keep_data,
            name=f"/aws/sagemaker/Endpoints/{self._name}",
            retention_days=self._site.environment.log_retention_days,
        )
        logs.grant_write(self._role.role)
        return logs

    def _alarms(self, construct_id: str, *, endpoint_config_name: str | None = None) -> EndpointAlarms:
        return EndpointAlarms(
            self,
            construct_id,
            bounds=self._spec.alarms,
            endpoint_config_name=endpoint_config_name,
            endpoint_name=self._name,
            topic_arn=self._site.shared.alarm_topic_arn,
            variants=[variant.name for variant in self._spec.variants],
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


def _excluded(*kinds: str) -> list[sagemaker.CfnEndpoint.VariantPropertyProperty]:
    return [sagemaker.CfnEndpoint.VariantPropertyProperty(variant_property_type=kind) for kind in kinds]
