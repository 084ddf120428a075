from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import actions_of, targets
from slipway.preflight.template import number, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class NeverComesBack(Rule):
    """What the clock switches off it switches on again."""

    id = "NeverComesBack"
    severity = Severity.WARNING
    consequence = "After the first evening there is no capacity, and no policy may add any: the most is 0."
    mend = "add a scheduled action that sets MinCapacity and MaxCapacity again"
    source = "Application Auto Scaling User Guide, scheduled scaling, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find targets that are switched off and never on."""
        for place in targets(template):
            most = [
                (path, value_at(action, ("ScalableTargetAction", "MaxCapacity"))) for path, action in actions_of(place)
            ]
            off = [path for path, value in most if number(value) == 0]
            if off and all(value is None or number(value) == 0 for _, value in most):
                path = (*off[0], "ScalableTargetAction", "MaxCapacity")
                yield Violation(place.resource, path, "the most is set to 0, and no other action raises it")
