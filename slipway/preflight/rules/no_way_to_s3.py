from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.network import SUBNET, SUBNETS, VPC, WAYS_OUT, has_s3
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG, MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class NoWayToS3(Rule):
    """A model in a VPC reaches S3."""

    id = "NoWayToS3"
    severity = Severity.WARNING
    consequence = "The containers cannot download the model, and the endpoint is not created."
    mend = "add an AWS::EC2::VPCEndpoint of type Gateway for com.amazonaws.REGION.s3 on the subnets' route tables"
    source = "SageMaker Developer Guide, give hosted endpoints access to your VPC: create an S3 endpoint, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models in a VPC of the template that has neither an endpoint for S3 nor any other way out."""
        ways_out = bool(template.of_kind(*WAYS_OUT)) or has_s3(template)
        for resource in template.of_kind(MODEL, CONFIG):
            listed = resource.at(*SUBNETS)
            held = [template.named(SUBNET, each, key="SubnetId") for each in listed] if isinstance(listed, list) else []
            vpcs = [None if subnet is None else template.named(VPC, subnet.at("VpcId"), key="VpcId") for subnet in held]
            if vpcs and all(vpc is not None for vpc in vpcs) and not ways_out:
                yield Violation(resource, SUBNETS, "nothing leads from these subnets to S3")
