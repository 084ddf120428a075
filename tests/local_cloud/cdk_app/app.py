"""A small app for the tests: an archive, an endpoint on it with scaling, and API Gateway to Lambda to endpoint."""

from __future__ import annotations

import os
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import (
    aws_apigateway,
    aws_iam,
    aws_lambda,
    aws_s3_assets,
)
from aws_cdk import (
    aws_applicationautoscaling as scaling,
)
from aws_cdk import (
    aws_sagemaker as sagemaker,
)


class EndpointStack(cdk.Stack):
    """One endpoint and its front."""

    def __init__(self, scope: cdk.App, construct_id: str, archive: str) -> None:
        super().__init__(scope, construct_id, env=cdk.Environment(account="000000000000", region="us-east-1"))
        role = aws_iam.Role(self, "Role", assumed_by=aws_iam.ServicePrincipal("sagemaker.amazonaws.com"))
        asset = aws_s3_assets.Asset(self, "Archive", path=archive)
        asset.grant_read(role)
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image="slipway/onnxruntime:local", model_data_url=asset.s3_object_url
            ),
        )
        model.node.add_dependency(role)
        variant = sagemaker.CfnEndpointConfig.ProductionVariantProperty(
            variant_name="main",
            model_name=model.attr_model_name,
            initial_instance_count=1,
            instance_type="ml.c7i.xlarge",
            initial_variant_weight=1,
        )
        config = sagemaker.CfnEndpointConfig(self, "Config", production_variants=[variant])
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name="always",
            endpoint_config_name=config.attr_endpoint_config_name,
            retain_all_variant_properties=True,
            tags=[cdk.CfnTag(key="team", value="ml")],
        )
        self._scale(endpoint)
        self._front(endpoint)

    def _scale(self, endpoint: sagemaker.CfnEndpoint) -> None:
        target = scaling.CfnScalableTarget(
            self,
            "Target",
            min_capacity=1,
            max_capacity=2,
            resource_id=f"endpoint/{endpoint.attr_endpoint_name}/variant/main",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            service_namespace="sagemaker",
        )
        scaling.CfnScalingPolicy(
            self,
            "Policy",
            policy_name="track",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=scaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=70,
                predefined_metric_specification=scaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
                    predefined_metric_type="SageMakerVariantInvocationsPerInstance"
                ),
            ),
        )

    def _front(self, endpoint: sagemaker.CfnEndpoint) -> None:
        function = aws_lambda.Function(
            self,
            "Front",
            runtime=aws_lambda.Runtime.PYTHON_3_11,
            handler="index.handler",
            code=aws_lambda.Code.from_asset(str(Path(__file__).parent / "front")),
            environment={"ENDPOINT_NAME": endpoint.attr_endpoint_name},
            timeout=cdk.Duration.seconds(10),
        )
        function.add_to_role_policy(
            aws_iam.PolicyStatement(actions=["sagemaker:InvokeEndpoint"], resources=[endpoint.ref])
        )
        api = aws_apigateway.RestApi(self, "Api", cloud_watch_role=False)
        api.root.add_resource("classify").add_method("POST", aws_apigateway.LambdaIntegration(function))
        cdk.CfnOutput(self, "ApiId", value=api.rest_api_id)


app = cdk.App(analytics_reporting=False)
EndpointStack(app, "Always", os.environ["ARCHIVE"])
app.synth()
