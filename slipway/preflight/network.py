"""Where models with a VPC are placed, as far as the template holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.template import CONFIG, MODEL
from slipway.preflight.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Resource, Template

VPC: Final = "AWS::EC2::VPC"
SUBNET: Final = "AWS::EC2::Subnet"
GROUP: Final = "AWS::EC2::SecurityGroup"
GATEWAY: Final = "AWS::EC2::InternetGateway"
SUBNETS: Final = ("VpcConfig", "Subnets")
GROUPS: Final = ("VpcConfig", "SecurityGroupIds")
WAYS_OUT: Final = (
    "AWS::EC2::EgressOnlyInternetGateway",
    "AWS::EC2::NatGateway",
    "AWS::EC2::TransitGatewayAttachment",
    "AWS::EC2::TransitGatewayVpcAttachment",
    "AWS::EC2::VPCPeeringConnection",
    "AWS::EC2::VPNGateway",
    "AWS::CloudFormation::Stack",
)
"""A way to S3 may lead through any of these; what a nested stack holds is not known."""


def placed_in(template: Template, resource: Resource) -> list[Resource]:
    """Return the subnets and security groups of a model or config that the template holds."""
    found = []
    for path, kind, key in ((SUBNETS, SUBNET, "SubnetId"), (GROUPS, GROUP, "GroupId")):
        listed = resource.at(*path)
        named = [template.named(kind, each, key=key) for each in listed] if isinstance(listed, list) else []
        found += [each for each in named if each is not None]
    return found


def vpc_of(template: Template, placed: Resource) -> str | None:
    """Return what tells the VPC of a subnet or group from others; None where only a deployment knows."""
    name = placed.at("VpcId")
    held = template.named(VPC, name, key="VpcId")
    return held.logical_id if held is not None else name if isinstance(name, str) and is_known(name) else None


def groups_of(template: Template) -> list[Resource]:
    """Return the security groups of models that the template holds."""
    placed = [each for resource in template.of_kind(MODEL, CONFIG) for each in placed_in(template, resource)]
    return list({each.logical_id: each for each in placed if each.kind == GROUP}.values())


def ingress(template: Template, group: Resource) -> Iterator[tuple[tuple[Resource, Path], dict[str, Any]]]:
    """Yield every rule that lets something into a group, and where it stands."""
    listed = group.at("SecurityGroupIngress")
    for index, rule in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(rule, dict):
            yield (group, ("SecurityGroupIngress", index)), rule
    for rule in template.of_kind("AWS::EC2::SecurityGroupIngress"):
        if template.named(GROUP, rule.at("GroupId"), key="GroupId") is group:
            yield (rule, ("CidrIp",)), rule.properties


def has_s3(template: Template) -> bool:
    """Return whether there is an endpoint for S3, or one for what only a deployment knows."""
    names = [endpoint.at("ServiceName") for endpoint in template.of_kind("AWS::EC2::VPCEndpoint")]
    return any(not isinstance(name, str) or ".s3" in name for name in names)


def public_subnets(template: Template) -> set[str]:
    """Return the logical ids of subnets whose route table leads everything to an internet gateway."""
    tables = {
        str(route.at("RouteTableId"))
        for route in template.of_kind("AWS::EC2::Route")
        if template.named(GATEWAY, route.at("GatewayId"), key="InternetGatewayId") is not None
    }
    found = set()
    for association in template.of_kind("AWS::EC2::SubnetRouteTableAssociation"):
        subnet = template.named(SUBNET, association.at("SubnetId"), key="SubnetId")
        if subnet is not None and str(association.at("RouteTableId")) in tables:
            found.add(subnet.logical_id)
    return found
