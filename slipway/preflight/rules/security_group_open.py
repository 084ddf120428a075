from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.network import groups_of, ingress
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class SecurityGroupOpen(Rule):
    """Nothing connects to a model's containers from the internet."""

    id = "SecurityGroupOpen"
    severity = Severity.WARNING
    consequence = "Whatever reaches the VPC reaches the containers; SageMaker itself needs no way in."
    mend = "remove the rule, as SageMaker invokes containers by another way"
    source = (
        "Security Hub EC2.18 and EC2.19; SageMaker Developer Guide, give hosted endpoints access to your VPC, 2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find groups of models that let in every address."""
        for group in groups_of(template):
            for place, rule in ingress(template, group):
                if rule.get("CidrIp") == "0.0.0.0/0" or rule.get("CidrIpv6") == "::/0":
                    yield Violation(*place, "every address is let in")
