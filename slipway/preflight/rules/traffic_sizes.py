from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rollouts import ROUTING, STEPS, shifting
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class TrafficSizes(Rule):
    """Traffic that is shifted in steps says how large a step is and how long it waits; all at once has no steps."""

    id = "TrafficSizes"
    severity = Severity.ERROR
    consequence = "UpdateEndpoint is refused, and so is every later deployment."
    mend = "give the size that the type takes, and WaitIntervalInSeconds; remove the other size"
    source = (
        "SageMaker Developer Guide, canary and linear traffic shifting; that a size too many is refused is a "
        "guess, 2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find sizes that lack or belong to another type."""
        for endpoint, routing in shifting(template):
            kind = routing.get("Type")
            if kind not in ("ALL_AT_ONCE", *STEPS):
                continue
            for other, key in STEPS.items():
                if other != kind and isinstance(routing.get(key), dict):
                    yield Violation(endpoint, (*ROUTING, key), f"'{key}' is given and the type is {kind}")
            if kind in STEPS:
                for key in (STEPS[kind], "WaitIntervalInSeconds"):
                    if routing.get(key) is None:
                        yield Violation(endpoint, (*ROUTING, key), f"'{key}' is not given and the type is {kind}")
