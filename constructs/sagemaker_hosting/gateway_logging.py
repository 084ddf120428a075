from __future__ import annotations

from typing import Final

from aws_cdk import RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from constructs import Construct

from sagemaker_hosting.acknowledge import acknowledge

LOGGING_POLICY: Final = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"


class GatewayLogging(Construct):
    """Let API Gateway write logs in this account and region.

    The setting belongs to the account, not to an API: the last environment deployed decides which role it names. The
    role therefore stays when its stack goes, lest another environment's fronts fall silent.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(LOGGING_POLICY)],
        )
        role.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        apigateway.CfnAccount(self, "Resource", cloud_watch_role_arn=role.role_arn)
        acknowledge(
            role,
            f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{LOGGING_POLICY}]",
            "API Gateway checks the account's logging role against this very policy and refuses narrower ones",
        )
