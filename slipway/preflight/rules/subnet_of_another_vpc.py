from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.network import placed_in, vpc_of
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG, MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class SubnetOfAnotherVpc(Rule):
    """Subnets and security groups of a model belong to one VPC."""

    id = "SubnetOfAnotherVpc"
    severity = Severity.ERROR
    consequence = "CreateModel is refused, or the endpoint gets no network interface."
    mend = "name subnets and security groups of the same VPC"
    source = (
        "EC2 API reference, CreateNetworkInterface; that SageMaker refuses it already in CreateModel is a guess, "
        "2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models whose subnets and groups, all in the template, are of different VPCs."""
        for resource in template.of_kind(MODEL, CONFIG):
            used = [vpc for each in placed_in(template, resource) if (vpc := vpc_of(template, each)) is not None]
            if any(one != used[0] for one in used):
                yield Violation(resource, ("VpcConfig",), "subnets and security groups are of different VPCs")
