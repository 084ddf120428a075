from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from sagemaker_hosting.acknowledge import acknowledge_own_policies, acknowledge_wildcard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from constructs import IDependable

    from slipway.specs.network import Network

HOST_METRICS = "/aws/sagemaker/Endpoints"
COMPONENT_METRICS = "/aws/sagemaker/InferenceComponents"


class ExecutionRole(Construct):
    """Define the role that SageMaker takes to run one endpoint's containers.

    It starts with nothing but this endpoint's metrics; everything else is granted by what needs it.

    Args:
        metrics: Namespace that it may put metrics under.
            Default: that of endpoints' hosts.
    """

    def __init__(self, scope: Construct, construct_id: str, *, metrics: str = HOST_METRICS) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Resource",
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
        )
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],  # knows no resource, only the condition
                conditions={"StringEquals": {"cloudwatch:namespace": metrics}},
            )
        )
        acknowledge_wildcard(
            self,
            "*",
            "stands for actions that know no resource: metrics (held to their namespace), registry tokens, EC2 "
            "descriptions",
        )
        acknowledge_own_policies(self)

    @property
    def policy(self) -> IDependable:
        """What a Model must wait for: created earlier, it could not read its archive."""
        return self.role.node.find_child("DefaultPolicy")

    def grant_capture(self, *, bucket: str, prefix: str, key_arn: str) -> None:
        """Let captured data be written, never read, under one prefix of a bucket."""
        captured = f"arn:{Stack.of(self).partition}:s3:::{bucket}/{prefix}/*"
        self.role.add_to_policy(iam.PolicyStatement(actions=["s3:PutObject"], resources=[captured]))
        self.grant_key(key_arn)
        acknowledge_wildcard(self, captured, "SageMaker names what it captures; the folder is this endpoint's own")

    def grant_key(self, key_arn: str) -> None:
        """Let data be read and written that a key encrypts."""
        self.role.add_to_policy(
            iam.PolicyStatement(actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key_arn])
        )

    def grant_component_metrics(self) -> None:
        """Let the metrics of inference components be put, which have a namespace of their own."""
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],  # knows no resource, only the condition
                conditions={"StringEquals": {"cloudwatch:namespace": COMPONENT_METRICS}},
            )
        )

    def grant_network(self, network: Network, security_groups: Sequence[str]) -> None:
        """Let containers get their network interfaces in the environment's subnets."""
        stack = Stack.of(self)
        interfaces = stack.format_arn(service="ec2", resource="network-interface", resource_name="*")
        places = [
            stack.format_arn(service="ec2", resource=resource, resource_name=name)
            for resource, names in (
                ("subnet", network.subnets),
                ("security-group", security_groups),
            )
            for name in names
        ]
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "ec2:CreateNetworkInterface",
                    "ec2:CreateNetworkInterfacePermission",
                    "ec2:DeleteNetworkInterface",
                    "ec2:DeleteNetworkInterfacePermission",
                ],
                resources=[interfaces, *places],
            )
        )
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "ec2:DescribeDhcpOptions",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeVpcs",
                ],
                resources=["*"],  # these actions know no resource
            )
        )
        acknowledge_wildcard(self, interfaces, "EC2 names the interfaces, in the environment's subnets alone")

    def grant_watch(self, alarms: Sequence[cloudwatch.CfnAlarm]) -> iam.Policy:
        """Let SageMaker ask the alarms that call a rollout back.

        A policy of its own: the alarms know the endpoint config, which waits for the models, which wait for the
        role's first policy.

        Returns:
            The policy, which the endpoint must wait for.
        """
        watch = iam.PolicyStatement(
            actions=["cloudwatch:DescribeAlarms"], resources=[alarm.attr_arn for alarm in alarms]
        )
        return iam.Policy(self, "WatchPolicy", roles=[self.role], statements=[watch])
