from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import actions_of, targets
from slipway.preflight.template import number, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Template


class CapacityBounds(Rule):
    """The least capacity is not below 0, and not above the most; in scheduled actions too."""

    id = "CapacityBounds"
    severity = Severity.ERROR
    consequence = "RegisterScalableTarget, or PutScheduledAction, is refused, and the stack rolls back."
    mend = "write MinCapacity not above MaxCapacity"
    source = "Application Auto Scaling API reference, RegisterScalableTarget and ScalableTargetAction, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find bounds that contradict each other."""
        for place in targets(template):
            bounds: list[tuple[Path, object]] = [((), place.resource.properties)]
            bounds += [
                ((*path, "ScalableTargetAction"), action.get("ScalableTargetAction"))
                for path, action in actions_of(place)
            ]
            for path, held in bounds:
                lower, upper = (number(value_at(held, (key,))) for key in ("MinCapacity", "MaxCapacity"))
                if lower is not None and upper is not None and lower > upper:
                    yield Violation(
                        place.resource, (*path, "MinCapacity"), f"at least {lower:g} and at most {upper:g} contradict"
                    )
                elif lower is not None and lower < 0:
                    yield Violation(place.resource, (*path, "MinCapacity"), f"{lower:g} is given and 0 is the least")
