from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Environment, Fn, Stack
from aws_cdk import aws_kms as kms

from sagemaker_hosting import (
    AlarmTopic,
    CaptureBucket,
    EncryptionKey,
    EnvironmentDashboard,
    GatewayLogging,
    SharedResources,
    VpcEndpoints,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Construct

    from sagemaker_hosting.endpoint_watch import EndpointWatch
    from slipway.specs import Deployment


class SharedStack(Stack):
    """What an environment's endpoints use together: key, capture bucket, alarms, gateway logging, network, dashboard.

    ``resources`` names them for other stacks, which must depend on this one.
    """

    def __init__(self, scope: Construct, *, deployment: Deployment) -> None:
        environment = deployment.environment
        super().__init__(
            scope,
            f"slipway-{deployment.name}-shared",
            description=f"Slipway, {deployment.name}: key, capture bucket, alarm topic",
            env=Environment(account=environment.account, region=environment.region),
            tags=environment.tags,
            termination_protection=environment.production,
        )
        keep_data = environment.keep_data
        email = None if environment.alarms_to is None else environment.alarms_to.email
        key = self._key(deployment)
        capture = CaptureBucket(
            self, "Capture", keep_data=keep_data, key=key, retention_days=environment.log_retention_days
        )
        topic = AlarmTopic(self, "Alarms", email=email, key=key).topic
        GatewayLogging(self, "GatewayLogging")
        if environment.network is not None and environment.network.endpoints:
            VpcEndpoints(self, "VpcEndpoints", network=environment.network)
        self.resources = SharedResources(
            alarm_topic_arn=self._export("AlarmTopicArn", topic.topic_arn),
            capture_bucket=self._export("CaptureBucket", capture.bucket.bucket_name),
            key_arn=self._export("KeyArn", key.key_arn),
        )

    def show(self, watches: Mapping[str, EndpointWatch]) -> None:
        """Define the environment's dashboard, once every endpoint is known.

        Args:
            watches: Of the endpoints, by the name of the alarm that says whether each is well.
        """
        if watches:
            EnvironmentDashboard(self, "Dashboard", name=self.stack_name, watches=watches)

    def _key(self, deployment: Deployment) -> kms.IKey:
        given = deployment.environment.kms_key
        if given is not None:
            return kms.Key.from_key_arn(self, "Key", given)
        keep_data = deployment.environment.keep_data
        return EncryptionKey(self, "Key", description=f"Slipway, {deployment.name}", keep_data=keep_data).key

    def _export(self, name: str, value: str) -> str:
        # Under a name of our own, and always: CDK's own exports come and go with their uses and are called after the
        # constructs behind them, and an export that another stack still imports can neither go nor be renamed.
        export = f"{self.stack_name}-{name}"
        CfnOutput(self, name, export_name=export, value=value)
        return Fn.import_value(export)
