from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagemaker_hosting.backlog_alarms import BacklogAlarms
from sagemaker_hosting.backlog_scaling import BacklogScaling
from sagemaker_hosting.endpoint_alarms import EndpointAlarms
from sagemaker_hosting.execution_role import ExecutionRole
from sagemaker_hosting.hosted_model import HostedModel
from sagemaker_hosting.log_group import LogGroup
from sagemaker_hosting.placement import Placement
from sagemaker_hosting.request_bucket import RequestBucket
from sagemaker_hosting.result_topics import ResultTopics
from sagemaker_hosting.rollout import deployment_config
from sagemaker_hosting.server_image import ServerImage
from slipway.catalog import instance_types
from slipway.specs.timeouts import download_timeout_seconds, startup_timeout_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagemaker_hosting.site import Site
    from slipway.specs import Artifact, AsyncEndpointSpec

VARIANT: Final = "AllTraffic"
_Config = sagemaker.CfnEndpointConfig


class AsyncEndpoint(Construct):
    """Define an asynchronous endpoint: a queue, a fleet that may sleep, a bucket for requests and answers, two topics.

    Args:
        spec: The endpoint to define.
        endpoint_name: Its name in the account.
        artifacts: The model that it names.
        site: Where it goes.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        spec: AsyncEndpointSpec,
        endpoint_name: str,
        artifacts: Mapping[str, Artifact],
        site: Site,
    ) -> None:
        super().__init__(scope, construct_id)
        self._spec, self._name, self._site = spec, endpoint_name, site
        self._artifact = artifacts[spec.model]
        self._role = ExecutionRole(self, "ExecutionRole")
        self._role.grant_key(site.shared.key_arn)
        config = self._config(self._model(), self._queue())
        endpoint = self._endpoint(config)
        self._watch_and_scale(endpoint)

    def _model(self) -> HostedModel:
        image = ServerImage(
            Construct(self, "Images"),
            self._spec.server,
            prebuilt=self._site.environment.images.get(self._spec.server),
            server=self._spec.server,
            source_root=self._site.source_root,
        )
        image.grant_pull(self._role.role)
        return HostedModel(
            self,
            "Model",
            artifact=self._artifact,
            environment=self._spec.environment,
            image=image,
            network_isolation=self._spec.network_isolation,
            role=self._role,
            vpc_config=self._place(),
        )

    def _place(self) -> sagemaker.CfnModel.VpcConfigProperty | None:
        network = self._site.environment.network
        if network is None:
            return None
        placement = Placement(self, "Placement", network=network, description=f"Containers of {self._name}")
        self._role.grant_network(network, placement.security_groups)
        return placement.vpc_config

    def _queue(self) -> sagemaker.CfnEndpointConfig.AsyncInferenceConfigProperty:
        spec, environment = self._spec, self._site.environment
        key = kms.Key.from_key_arn(self, "Key", self._site.shared.key_arn)
        requests = RequestBucket(
            self,
            "Requests",
            expire_days=spec.results.expire_days,
            keep_data=environment.keep_data,
            key=key,
            log_retention_days=environment.log_retention_days,
        )
        requests.grant_work(self._role.role)
        topics = ResultTopics(self, "Results", key=key, notify=spec.notify, publisher=self._role.role).arns
        stack = Stack.of(self)
        CfnOutput(stack, "RequestBucket", value=requests.bucket.bucket_name)
        for outcome, arn in topics.items():
            CfnOutput(stack, f"{outcome.capitalize()}Topic", value=arn)
        notification = _Config.AsyncInferenceNotificationConfigProperty(
            error_topic=topics.get("error"), success_topic=topics.get("success")
        )
        return _Config.AsyncInferenceConfigProperty(
            client_config=None
            if spec.concurrency is None
            else _Config.AsyncInferenceClientConfigProperty(max_concurrent_invocations_per_instance=spec.concurrency),
            output_config=_Config.AsyncInferenceOutputConfigProperty(
                kms_key_id=self._site.shared.key_arn,
                notification_config=notification if topics else None,
                s3_failure_path=requests.failure_uri,
                s3_output_path=requests.output_uri,
            ),
        )

    def _config(
        self, model: HostedModel, queue: sagemaker.CfnEndpointConfig.AsyncInferenceConfigProperty
    ) -> sagemaker.CfnEndpointConfig:
        spec = self._spec
        # A config with a machine that has its own (always encrypted) NVMe disk is refused with a key.
        nvme = instance_types()[spec.instance_type].nvme
        return _Config(
            self,
            "Config",
            async_inference_config=queue,
            kms_key_id=None if nvme else self._site.shared.key_arn,
            production_variants=[
                _Config.ProductionVariantProperty(
                    container_startup_health_check_timeout_in_seconds=startup_timeout_seconds(spec, self._artifact),
                    initial_instance_count=spec.initial_instances,
                    initial_variant_weight=1,
                    instance_type=spec.instance_type,
                    model_data_download_timeout_in_seconds=download_timeout_seconds(spec, self._artifact),
                    model_name=model.model_name,
                    variant_name=VARIANT,
                    volume_size_in_gb=spec.volume_gib,
                )
            ],
        )

    def _endpoint(self, config: sagemaker.CfnEndpointConfig) -> sagemaker.CfnEndpoint:
        spec, watch = self._spec, self._alarms("RollbackAlarms", config.attr_endpoint_config_name)
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Resource",
            deployment_config=deployment_config(
                spec.rollout,
                alarm_names=[alarm.ref for alarm in watch.alarms],
                startup_seconds=startup_timeout_seconds(spec, self._artifact),
            ),
            endpoint_config_name=config.attr_endpoint_config_name,
            endpoint_name=self._name,
            # A fleet that may sleep starts anew with one instance, which proves that the new version starts at all.
            retain_all_variant_properties=spec.scaling is not None and spec.scaling.instances.min > 0,
        )
        logs = LogGroup(
            self,
            "Logs",
            keep_data=self._site.environment.keep_data,
            key_arn=self._site.shared.key_arn,
            name=f"/aws/sagemaker/Endpoints/{self._name}",
            retention_days=self._site.environment.log_retention_days,
        )
        logs.grant_write(self._role.role)
        endpoint.node.add_dependency(self._role.grant_watch(watch.alarms), logs)
        return endpoint

    def _alarms(self, construct_id: str, config_name: str | None = None) -> EndpointAlarms:
        return EndpointAlarms(
            self,
            construct_id,
            bounds=self._spec.alarms,
            endpoint_config_name=config_name,
            endpoint_name=self._name,
            topic_arn=self._site.shared.alarm_topic_arn,
            variants=[VARIANT],
        )

    def _watch_and_scale(self, endpoint: sagemaker.CfnEndpoint) -> None:
        spec, name, topic = self._spec, self._name, self._site.shared.alarm_topic_arn
        self._alarms("Alarms")
        BacklogAlarms(self, "BacklogAlarms", bounds=spec.alarms, endpoint_name=name, topic_arn=topic, variant=VARIANT)
        if spec.scaling is not None:
            BacklogScaling(
                self, "Scaling", endpoint=endpoint, endpoint_name=name, scaling=spec.scaling, variant=VARIANT
            )
