from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from slipway.specs.network import GATEWAY

if TYPE_CHECKING:
    from slipway.specs.network import Network, VpcEndpoint

HTTPS: Final = 443
_PULL: Final = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
# In China these two answer under a name of their own (as aws-cdk-lib's InterfaceVpcEndpointAwsService has it).
_CHINESE: Final = ("ecr.api", "ecr.dkr", "sts", "sagemaker.runtime")


class VpcEndpoints(Construct):
    """Define the VPC endpoints by which containers reach AWS without leaving their VPC.

    Each lets identities of this account do what hosting needs, and nothing else. They serve the whole VPC: whatever
    else runs there and uses the same service is held to the same policy.

    Args:
        network: VPC, subnets, and which endpoints.
    """

    def __init__(self, scope: Construct, construct_id: str, *, network: Network) -> None:
        super().__init__(scope, construct_id)
        self._network = network
        self._stack = Stack.of(self)
        inside = [name for name in network.endpoints if name != GATEWAY]
        group = self._group() if inside else None
        for name in network.endpoints:
            self._endpoint(name, group)

    def _endpoint(self, name: VpcEndpoint, group: ec2.CfnSecurityGroup | None) -> None:
        gateway = name == GATEWAY or group is None
        place: dict[str, Any] = {"route_table_ids": list(self._network.route_tables), "vpc_endpoint_type": "Gateway"}
        if not gateway and group is not None:
            place = {
                "private_dns_enabled": True,
                "security_group_ids": [group.attr_group_id],
                "subnet_ids": list(self._network.subnets),
                "vpc_endpoint_type": "Interface",
            }
        ec2.CfnVPCEndpoint(
            self,
            "".join(part.capitalize() for part in name.split(".")),
            policy_document={"Version": "2012-10-17", "Statement": self._statements(name)},
            service_name=self._service(name),
            vpc_id=self._network.vpc_id,
            **place,
        )

    def _service(self, name: VpcEndpoint) -> str:
        chinese = self._stack.region.startswith("cn-") and name in _CHINESE
        return f"{'cn.' if chinese else ''}com.amazonaws.{self._stack.region}.{name}"

    def _statements(self, name: VpcEndpoint) -> list[dict[str, Any]]:
        region = self._stack.region
        match name:
            case "s3":
                objects = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListBucket", "s3:PutObject"]
                layers = f"arn:{self._stack.partition}:s3:::prod-{region}-starport-layer-bucket/*"
                # ECR signs the addresses of an image's layers itself: nobody of this account asks for them.
                own = self._allow(objects, "*", **{"aws:ResourceAccount": self._stack.account})
                return [own, {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": layers}]
            case "ecr.api" | "ecr.dkr":
                # Images of AWS's own lie in other accounts.
                return [self._allow(["ecr:GetAuthorizationToken", *_PULL], "*")]
            case "logs":
                writing = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
                return [self._allow(writing, self._own("logs", "log-group", ":"))]
            case "sts":
                return [self._allow(["sts:AssumeRole", "sts:GetCallerIdentity"], "*")]
            case "sagemaker.runtime":
                asking = ("InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream")
                return [
                    self._allow([f"sagemaker:{action}" for action in asking], self._own("sagemaker", "endpoint", "/"))
                ]

    def _allow(self, actions: list[str], resource: str, **more: str) -> dict[str, Any]:
        return {
            "Effect": "Allow",
            "Principal": "*",
            "Action": actions,
            "Resource": resource,
            "Condition": {"StringEquals": {"aws:PrincipalAccount": self._stack.account, **more}},
        }

    def _own(self, service: str, kind: str, separator: str) -> str:
        stack = self._stack
        return f"arn:{stack.partition}:{service}:{stack.region}:{stack.account}:{kind}{separator}*"

    def _group(self) -> ec2.CfnSecurityGroup:
        network, ingress = self._network, ec2.CfnSecurityGroup.IngressProperty
        https: dict[str, Any] = {"from_port": HTTPS, "ip_protocol": "tcp", "to_port": HTTPS}
        callers = [
            ingress(description="Containers", source_security_group_id=group, **https)
            for group in network.security_groups
        ]
        return ec2.CfnSecurityGroup(
            self,
            "SecurityGroup",
            group_description="VPC endpoints of AWS services, reached by HTTPS from within the VPC",
            # Nothing is ever begun from here; a group without a rule of its own would be given "everywhere".
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    cidr_ip="255.255.255.255/32", description="Nowhere", from_port=252, ip_protocol="icmp", to_port=86
                )
            ],
            security_group_ingress=callers or [ingress(cidr_ip=network.cidr, description="The VPC", **https)],
            vpc_id=network.vpc_id,
        )
