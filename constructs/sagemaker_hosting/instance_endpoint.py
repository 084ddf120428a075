from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagemaker_hosting.acknowledge import acknowledge
from sagemaker_hosting.data_capture import data_capture_config
from sagemaker_hosting.endpoint_alarms import EndpointAlarms
from sagemaker_hosting.endpoint_watch import EndpointWatch
from sagemaker_hosting.execution_role import ExecutionRole
from sagemaker_hosting.log_group import LogGroup
from sagemaker_hosting.placement import Placement
from sagemaker_hosting.rollout import deployment_config
from sagemaker_hosting.server_images import ServerImages
from slipway.catalog import instance_types

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sagemaker_hosting.site import Site
    from slipway.specs.alarms import AnswerAlarms
    from slipway.specs.parts import Capture, Rollout

KEYLESS: Final = "NIST.800.53.R5-SageMakerEndpointConfigurationKMSKeyConfigured"
NVME_IS_ENCRYPTED: Final = (
    "these machines have NVMe disks of their own, always encrypted by a key that the hardware makes and loses, and "
    "SageMaker refuses a config that names another"
)


class InstanceEndpoint(Construct):
    """What every endpoint on instances is made of: a role, images, a place, a config, a guarded rollout, alarms, logs.

    The endpoint alone has a name. A changed archive, image or variable replaces the model it concerns and the endpoint
    config; the endpoint then moves its traffic as the rollout says, and back if an alarm of the new config fires.

    A kind is a subclass that defines its models and variants in its ``__init__``, from the parts below.

    Args:
        endpoint_name: Its name in the account.
        site: Where it goes.
        kind: As its spec has it; decides what it publishes, and so what can be watched.
        alarms: When it is unwell.
        fleets: Instance type of each variant that takes traffic, each watched on its own.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint_name: str,
        site: Site,
        kind: str,
        alarms: AnswerAlarms,
        fleets: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        self._name = endpoint_name
        self._site = site
        self._bounds = alarms
        self.watch = EndpointWatch(endpoint_name=endpoint_name, fleets=fleets, kind=kind, site=site)
        self._role = ExecutionRole(self, "ExecutionRole")
        self._images = ServerImages(self, "Images", role=self._role, site=site)

    def _place(self) -> sagemaker.CfnModel.VpcConfigProperty | None:
        """Place containers in the environment's network; None where it has none."""
        network = self._site.environment.network
        if network is None:
            return None
        placement = Placement(self, "Placement", network=network, description=f"Containers of {self._name}")
        self._role.grant_network(network, placement.security_groups)
        return placement.vpc_config

    def _config(
        self,
        instance_types_used: Iterable[str],
        *,
        variants: Sequence[sagemaker.CfnEndpointConfig.ProductionVariantProperty],
        capture: Capture | None = None,
        **more: Any,
    ) -> sagemaker.CfnEndpointConfig:
        """Define the endpoint config.

        Args:
            instance_types_used: Of all variants.
            variants: That take traffic.
            capture: Share of requests that is kept.
                Default: none is.
            more: Properties that only some kinds have.
        """
        key = self._volume_key(instance_types_used)
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            data_capture_config=None if capture is None else self._capture(capture),
            kms_key_id=key,
            production_variants=list(variants),
            **more,
        )
        if key is None:
            acknowledge(config, KEYLESS, NVME_IS_ENCRYPTED)
        return config

    def _volume_key(self, used: Iterable[str]) -> str | None:
        # A config with one machine that has its own (always encrypted) NVMe disk is refused with a key.
        nvme = any(instance_types()[name].nvme for name in used)
        return None if nvme else self._site.shared.key_arn

    def _capture(self, capture: Capture) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty:
        shared = self._site.shared
        self._role.grant_capture(bucket=shared.capture_bucket, prefix=self._name, key_arn=shared.key_arn)
        return data_capture_config(capture, bucket=shared.capture_bucket, prefix=self._name, key_arn=shared.key_arn)

    def _endpoint(
        self, config: sagemaker.CfnEndpointConfig, *, rollout: Rollout, startup_seconds: int, scaled: bool
    ) -> sagemaker.CfnEndpoint:
        """Define the endpoint, its alarms, and the way back of its rollouts.

        Args:
            config: What it serves.
            rollout: How the next config takes over.
            startup_seconds: How long its slowest container may take.
            scaled: Whether autoscaling decides fleets' sizes, which a rollout then keeps.
        """
        watch = self._alarms("RollbackAlarms", endpoint_config_name=config.attr_endpoint_config_name)
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Resource",
            deployment_config=deployment_config(
                rollout, alarm_names=[alarm.ref for alarm in watch.alarms], startup_seconds=startup_seconds
            ),
            endpoint_config_name=config.attr_endpoint_config_name,
            endpoint_name=self._name,
            # What autoscaling decided is kept; weights and capture are what the spec says, as reviewed.
            exclude_retained_variant_properties=_excluded("DesiredWeight", "DataCaptureConfig") if scaled else None,
            retain_all_variant_properties=scaled,
        )
        endpoint.node.add_dependency(self._role.grant_watch(watch.alarms), self._logs())
        if rollout.bake_minutes == 0:
            reason = "the spec asks for no bake time: what is hosted here may be replaced at once"
            endpoint.add_metadata("slipway", {"acknowledge": {"RollbackAlarmTooSlow": reason}})
        self._alarms("Alarms")
        return endpoint

    def _alarms(self, construct_id: str, *, endpoint_config_name: str | None = None) -> EndpointAlarms:
        return EndpointAlarms(
            self, construct_id, bounds=self._bounds, endpoint_config_name=endpoint_config_name, watch=self.watch
        )

    def _logs(self) -> LogGroup:
        environment = self._site.environment
        logs = LogGroup(
            self,
            "Logs",
            keep_data=environment.keep_data,
            key_arn=self._site.shared.key_arn,
            name=f"/aws/sagemaker/Endpoints/{self._name}",
            retention_days=environment.log_retention_days,
        )
        logs.grant_write(self._role.role)
        return logs


def _excluded(*kinds: str) -> list[sagemaker.CfnEndpoint.VariantPropertyProperty]:
    return [sagemaker.CfnEndpoint.VariantPropertyProperty(variant_property_type=kind) for kind in kinds]
