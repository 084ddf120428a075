from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.network import SUBNETS, placed_in, public_subnets
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG, MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class SubnetPublic(Rule):
    """A model's subnets have no way to the internet of their own."""

    id = "SubnetPublic"
    severity = Severity.WARNING
    consequence = (
        "The containers stand beside what the internet reaches, and get no way out by it: their interfaces have no"
        " public address."
    )
    mend = "name private subnets, with a NAT gateway where the containers need the internet"
    source = (
        "SageMaker Developer Guide, give hosted endpoints access to your VPC: interfaces 'not connected to the "
        "internet', 2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find subnets whose routes, in the template, lead to an internet gateway."""
        public = public_subnets(template)
        for resource in template.of_kind(MODEL, CONFIG):
            open_to = [each.logical_id for each in placed_in(template, resource) if each.logical_id in public]
            if open_to:
                yield Violation(resource, SUBNETS, f"'{open_to[0]}' has a route to an internet gateway")
