from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.network import SUBNET, SUBNETS
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG, MODEL
from slipway.preflight.values import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class SingleZone(Rule):
    """A model in a VPC has subnets in two zones."""

    id = "SingleZone"
    severity = Severity.WARNING
    consequence = "Every request fails while the one zone is down, however many instances there are."
    mend = "name two subnets in different zones"
    source = (
        "SageMaker Developer Guide, give hosted endpoints access to your VPC: two subnets in different zones, 2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models with one subnet, or with subnets that share a zone."""
        for resource in template.of_kind(MODEL, CONFIG):
            listed = resource.at(*SUBNETS)
            if (
                not isinstance(listed, list)
                or not listed
                or any(isinstance(each, (Unknown, list, dict)) for each in listed)
            ):
                continue
            held = [template.named(SUBNET, each, key="SubnetId") for each in listed]
            zones = [None if subnet is None else subnet.at("AvailabilityZone") for subnet in held]
            if len(listed) == 1:
                yield Violation(resource, SUBNETS, "one subnet is given, which lies in one zone")
            elif all(isinstance(zone, str) and zone == zones[0] for zone in zones):
                yield Violation(resource, SUBNETS, f"every subnet lies in '{zones[0]}'")
