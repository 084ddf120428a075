"""Where containers are placed."""

from __future__ import annotations

import ipaddress
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from slipway.specs.base import Findings, Spec
from slipway.specs.text import Distinct, Shape, refuse


def _id(prefix: str, words: str) -> Shape:
    """The id that EC2 gives: eight hexadecimal digits, or seventeen since 2018."""
    return Shape(rf"^{prefix}-([0-9a-f]{{8}}|[0-9a-f]{{17}})$", f"{words}, such as {prefix}-0a1b2c3d4e5f60718")


Vpc = Annotated[str, _id("vpc", "a VPC's id")]
Subnet = Annotated[str, _id("subnet", "a subnet's id")]
SecurityGroup = Annotated[str, _id("sg", "a security group's id")]
RouteTable = Annotated[str, _id("rtb", "a route table's id")]
VpcEndpoint = Literal["s3", "ecr.api", "ecr.dkr", "logs", "sts", "sagemaker.runtime"]
GATEWAY: Final = "s3"
"""Reached by route tables; every other has network interfaces in the subnets."""
SIZES: Final = range(16, 29)
"""Bits of a VPC's range. Source: Amazon VPC's user guide, "VPC CIDR blocks"."""


def _range(text: str) -> str:
    try:
        size = ipaddress.IPv4Network(text).prefixlen
    except ValueError:
        size = None
    if size not in SIZES:
        raise refuse(f"is not a VPC's range, from /{SIZES[0]} to /{SIZES[-1]}, such as 10.0.0.0/16")
    return text


class Network(Spec):
    """The VPC that containers are placed in."""

    reasons: ClassVar[dict[str, str]] = {"subnets": "two zones at least, so that one may fail, and SageMaker takes 16"}

    vpc_id: Vpc
    """In the environment's account and region."""
    subnets: Annotated[tuple[Subnet, ...], Field(min_length=2, max_length=16), Distinct()]
    """At least two, in different availability zones, so that one zone may fail."""
    security_groups: Annotated[tuple[SecurityGroup, ...], Field(max_length=5), Distinct()] = ()
    """Default: a group of the endpoint's own that nothing may enter."""
    endpoints: Annotated[tuple[VpcEndpoint, ...], Distinct()] = ()
    """VPC endpoints that the shared stack makes, so that no traffic leaves the VPC; each only where the VPC has none
    for that service yet. Default: none, whatever is there already is used."""
    route_tables: Annotated[tuple[RouteTable, ...], Field(max_length=50), Distinct()] = ()
    """Of the subnets; with the endpoint ``s3`` alone, which needs them."""
    cidr: Annotated[str, AfterValidator(_range), Field(examples=["10.0.0.0/16"])] | None = None
    """The VPC's range, from which the other endpoints may be reached. Needed with them, unless ``security_groups`` are
    given: then only these reach them."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        if GATEWAY in self.endpoints and not self.route_tables:
            findings.add(("endpoints",), "'s3' is reached through route tables: write 'route_tables' too")
        if self.route_tables and GATEWAY not in self.endpoints:
            findings.add(
                ("route_tables",), "only the endpoint 's3' has routes: write it under 'endpoints', or remove these"
            )
        inside = [name for name in self.endpoints if name != GATEWAY]
        if inside and self.cidr is None and not self.security_groups:
            message = f"'{inside[0]}' must know who may reach it: write 'cidr', the VPC's range, or 'security_groups'"
            findings.add(("endpoints",), message)
        if self.cidr is not None and (self.security_groups or not inside):
            why = "'security_groups' say it already" if self.security_groups else "no endpoint needs it"
            findings.add(("cidr",), f"says who may reach the VPC endpoints, and {why}: remove the key")
        findings.refuse()
        return self
