from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rollouts import ROUTING, STEPS, shifting
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class StepOfAnotherKind(Rule):
    """The size of a step is the one that the way of shifting traffic takes."""

    id = "StepOfAnotherKind"
    severity = Severity.WARNING
    consequence = "The size has no effect, or UpdateEndpoint is refused."
    mend = "remove the size, or choose the type that takes it"
    source = (
        "SageMaker Developer Guide, canary and linear traffic shifting; which of the two happens is not "
        "documented, 2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find sizes of another way."""
        for endpoint, routing in shifting(template):
            kind = routing.get("Type")
            for other, key in STEPS.items() if kind in ("ALL_AT_ONCE", "CANARY", "LINEAR") else ():
                if other != kind and isinstance(routing.get(key), dict):
                    yield Violation(endpoint, (*ROUTING, key), f"'{key}' is given and the type is {kind}")
