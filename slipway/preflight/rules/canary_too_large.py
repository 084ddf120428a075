from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.catalog import limit
from slipway.preflight.rollouts import ROUTING
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import ENDPOINT, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

SIZES: Final = {"CanarySize": "canary_percent", "LinearStepSize": "linear_step_percent"}


class CanaryTooLarge(Rule):
    """A canary is at most half of the fleet; a linear step is a tenth to a half."""

    id = "CanaryTooLarge"
    severity = Severity.ERROR
    consequence = "UpdateEndpoint is refused, and so is every later deployment."
    mend = "write at most 50 percent, for a linear step at least 10"
    source = "SageMaker API reference, TrafficRoutingConfig, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find other shares of capacity."""
        for endpoint in template.of_kind(ENDPOINT):
            for key, name in SIZES.items():
                path, bounds = (*ROUTING, key), limit(name)
                share = number(endpoint.at(*path, "Value"))
                if endpoint.at(*path, "Type") != "CAPACITY_PERCENT" or share is None:
                    continue
                if not (bounds.least or 0) <= share <= (bounds.most or 100):
                    message = f"{share:g} percent are given and {bounds.least} to {bounds.most} are accepted"
                    yield Violation(endpoint, (*path, "Value"), message)
