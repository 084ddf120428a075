from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from constructs import Construct

    from slipway.specs.front_parts import Private


def endpoint_kind(scope: Construct, private: Private) -> dict[str, Any]:
    """Return the properties of an API that answers through these VPC endpoints alone."""
    ids = list(private.vpc_endpoint_ids)
    endpoints = [
        ec2.InterfaceVpcEndpoint.from_interface_vpc_endpoint_attributes(
            scope, f"VpcEndpoint{index}", port=443, vpc_endpoint_id=endpoint
        )
        for index, endpoint in enumerate(ids)
    ]
    return {
        "endpoint_configuration": apigateway.EndpointConfiguration(
            types=[apigateway.EndpointType.PRIVATE], vpc_endpoints=endpoints
        ),
        "policy": iam.PolicyDocument(statements=[_allow(), _deny_others(ids)]),
    }


def _allow() -> iam.PolicyStatement:
    # Who may call is decided by the method's own authorization, which comes on top.
    return iam.PolicyStatement(
        principals=[iam.AnyPrincipal()], actions=["execute-api:Invoke"], resources=["execute-api:/*"]
    )


def _deny_others(ids: list[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["execute-api:Invoke"],
        resources=["execute-api:/*"],
        conditions={"StringNotEquals": {"aws:SourceVpce": ids}},
    )
