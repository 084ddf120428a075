from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rollouts import ROUTING, STEPS, shifting
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class TrafficSizes(Rule):
    """Traffic that is shifted in steps says how large a step is and how long it waits."""

    id = "TrafficSizes"
    severity = Severity.ERROR
    consequence = "UpdateEndpoint is refused, and so is every later deployment."
    mend = "give the size that the type takes, and WaitIntervalInSeconds"
    source = (
        "SageMaker Developer Guide, canary and linear traffic shifting; API reference, TrafficRoutingConfig, 2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find steps without a size or a wait."""
        for endpoint, routing in shifting(template):
            kind = routing.get("Type")
            for key in (STEPS[kind], "WaitIntervalInSeconds") if kind in ("CANARY", "LINEAR") else ():
                if routing.get(key) is None:
                    yield Violation(endpoint, (*ROUTING, key), f"'{key}' is not given and the type is {kind}")
