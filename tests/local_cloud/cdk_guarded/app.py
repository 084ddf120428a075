"""A small app for the tests: an archive and an endpoint on it, each version guarded by an alarm on its own fleet."""

from __future__ import annotations

import os

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam, aws_s3_assets
from aws_cdk import aws_sagemaker as sagemaker

NAME = "guarded"


class GuardedStack(cdk.Stack):
    """One endpoint whose canary is called back by its latency."""

    def __init__(self, scope: cdk.App, construct_id: str, archive: str) -> None:
        super().__init__(scope, construct_id, env=cdk.Environment(account="000000000000", region="us-east-1"))
        role = aws_iam.Role(self, "Role", assumed_by=aws_iam.ServicePrincipal("sagemaker.amazonaws.com"))
        asset = aws_s3_assets.Asset(self, "Archive", path=archive)
        asset.grant_read(role)
        container = sagemaker.CfnModel.ContainerDefinitionProperty(
            image="slipway/onnxruntime:local", model_data_url=asset.s3_object_url
        )
        model = sagemaker.CfnModel(self, "Model", execution_role_arn=role.role_arn, primary_container=container)
        model.node.add_dependency(role)
        variant = sagemaker.CfnEndpointConfig.ProductionVariantProperty(
            variant_name="main",
            model_name=model.attr_model_name,
            initial_instance_count=1,
            instance_type="ml.c7i.xlarge",
            initial_variant_weight=1,
        )
        config = sagemaker.CfnEndpointConfig(self, "Config", production_variants=[variant])
        alarm = self._alarm(config.attr_endpoint_config_name)
        sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=NAME,
            endpoint_config_name=config.attr_endpoint_config_name,
            deployment_config=_canary(alarm.ref),
        )

    def _alarm(self, config: str) -> cloudwatch.CfnAlarm:
        values = {"EndpointName": NAME, "VariantName": "main", "EndpointConfigName": config}
        return cloudwatch.CfnAlarm(
            self,
            "Latency",
            comparison_operator="GreaterThanThreshold",
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value) for name, value in values.items()
            ],
            evaluation_periods=1,
            extended_statistic="p99",
            metric_name="ModelLatency",
            namespace="AWS/SageMaker",
            period=60,
            threshold=100_000,
            treat_missing_data="notBreaching",
        )


def _canary(alarm: str) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
    size = sagemaker.CfnEndpoint.CapacitySizeProperty(type="CAPACITY_PERCENT", value=30)
    routing = sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
        type="CANARY", canary_size=size, wait_interval_in_seconds=600
    )
    return sagemaker.CfnEndpoint.DeploymentConfigProperty(
        blue_green_update_policy=sagemaker.CfnEndpoint.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=routing
        ),
        auto_rollback_configuration=sagemaker.CfnEndpoint.AutoRollbackConfigProperty(
            alarms=[sagemaker.CfnEndpoint.AlarmProperty(alarm_name=alarm)]
        ),
    )


app = cdk.App(analytics_reporting=False)
GuardedStack(app, "Guarded", os.environ["ARCHIVE"])
app.synth()
