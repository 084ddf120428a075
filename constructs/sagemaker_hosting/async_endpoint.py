from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker

from sagemaker_hosting.backlog_alarms import BacklogAlarms
from sagemaker_hosting.backlog_scaling import BacklogScaling
from sagemaker_hosting.hosted_model import HostedModel
from sagemaker_hosting.instance_endpoint import InstanceEndpoint
from sagemaker_hosting.request_bucket import RequestBucket
from sagemaker_hosting.result_topics import ResultTopics
from slipway.catalog import instance_types
from slipway.specs.timeouts import download_timeout_seconds, startup_timeout_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Construct

    from sagemaker_hosting.site import Site
    from slipway.specs import Artifact, AsyncEndpointSpec

VARIANT: Final = "AllTraffic"
_Config = sagemaker.CfnEndpointConfig

LONGEST_SECONDS: Final = 3600
"""That an invocation may take. Source: Amazon SageMaker's InvokeEndpointAsync, InvocationTimeoutSeconds."""


class AsyncEndpoint(InstanceEndpoint):
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
        self._artifact = artifacts[spec.model]
        self._role.grant_key(site.shared.key_arn)
        endpoint = self._endpoint(
            self._queue_config(self._model(), self._queue()),
            rollout=spec.rollout,
            # A fleet that may sleep starts anew with one instance, which proves that the new version starts at all.
            scaled=spec.scaling is not None and not spec.scaling.may_sleep,
            startup_seconds=startup_timeout_seconds(spec, self._artifact),
        )
        self._watch_and_scale(endpoint)

    def _model(self) -> HostedModel:
        return HostedModel(
            self,
            "Model",
            served=self._images.serve(self._artifact, self._spec.server, self._spec.instance_type),
            uploads=self._site.uploads,
            environment={**self._spec.server.patience(LONGEST_SECONDS), **self._spec.environment},
            network_isolation=self._spec.network_isolation,
            role=self._role,
            vpc_config=self._place(),
        )

    def _queue(self) -> sagemaker.CfnEndpointConfig.AsyncInferenceConfigProperty:
        spec, environment = self._spec, self._site.environment
        key = kms.Key.from_key_arn(self, "Key", self._site.shared.key_arn)
        self.requests = requests = RequestBucket(
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

    def _queue_config(
        self, model: HostedModel, queue: sagemaker.CfnEndpointConfig.AsyncInferenceConfigProperty
    ) -> sagemaker.CfnEndpointConfig:
        spec = self._spec
        variant = _Config.ProductionVariantProperty(
            container_startup_health_check_timeout_in_seconds=startup_timeout_seconds(spec, self._artifact),
            inference_ami_version=spec.server.ami(self._site.environment.region, instance_types()[spec.instance_type]),
            initial_instance_count=spec.initial_instances,
            initial_variant_weight=1,
            instance_type=spec.instance_type,
            model_data_download_timeout_in_seconds=download_timeout_seconds(spec, self._artifact),
            model_name=model.model_name,
            variant_name=VARIANT,
            volume_size_in_gb=spec.volume_gib,
        )
        return self._config([spec.instance_type], async_inference_config=queue, variants=[variant])

    def _watch_and_scale(self, endpoint: sagemaker.CfnEndpoint) -> None:
        spec = self._spec
        BacklogAlarms(self, "BacklogAlarms", bounds=spec.alarms, variant=VARIANT, watch=self.watch)
        if spec.scaling is not None:
            BacklogScaling(self, "Scaling", endpoint=endpoint, scaling=spec.scaling, variant=VARIANT, watch=self.watch)
