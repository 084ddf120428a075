from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

if TYPE_CHECKING:
    from slipway.specs.network import Network


class Placement(Construct):
    """Place containers in the environment's VPC, without looking it up.

    Args:
        network: VPC, subnets and, where the environment names them, security groups.
            Default groups: one of our own that nothing may enter and that reaches out by HTTPS alone, for archives,
            images and logs.
        description: What runs there.
    """

    def __init__(self, scope: Construct, construct_id: str, *, network: Network, description: str) -> None:
        super().__init__(scope, construct_id)
        self.security_groups = list(network.security_groups) or [self._own_group(network, description)]
        self.vpc_config = sagemaker.CfnModel.VpcConfigProperty(
            security_group_ids=self.security_groups, subnets=list(network.subnets)
        )

    def _own_group(self, network: Network, description: str) -> str:
        group = ec2.CfnSecurityGroup(
            self,
            "SecurityGroup",
            group_description=description,
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    cidr_ip="0.0.0.0/0",
                    description="S3, ECR, CloudWatch and KMS",
                    from_port=443,
                    ip_protocol="tcp",
                    to_port=443,
                )
            ],
            vpc_id=network.vpc_id,
        )
        return group.attr_group_id
