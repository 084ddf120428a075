from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import COPIES, least, targets
from slipway.preflight.scaling_policies import policies_of
from slipway.preflight.waking import is_clear, wakes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ComponentNeverWakes(Rule):
    """An inference component that may have no copies is woken by the requests that it refuses."""

    id = "ComponentNeverWakes"
    severity = Severity.ERROR
    consequence = "Once there are no copies there are none for ever, and every request is refused."
    mend = "let an alarm on NoCapacityInvocationFailures of at least 1 call a step policy that adds 1"
    source = "SageMaker Developer Guide, scale an endpoint to zero instances, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find components whose policies all follow what copies publish."""
        for place in targets(template):
            if place.dimension != COPIES or least(place) != 0 or not is_clear(template, place):
                continue
            if not any(wakes(template, policy) for policy in policies_of(template, place)):
                message = "its policies follow what copies publish, and of no copies there is nothing to follow"
                yield Violation(place.resource, ("MinCapacity",), message)
