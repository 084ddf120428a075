from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rollouts import ROUTING, shares_out_of_bounds
from slipway.preflight.rule import Rule, Severity, Violation

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
        for endpoint, path, message in shares_out_of_bounds(template, SIZES, ROUTING):
            yield Violation(endpoint, path, message)
