from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import INSTANCES, least, targets
from slipway.preflight.scaling_policies import policies_of
from slipway.preflight.waking import follows_backlog, is_clear, wakes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class AsyncWakesLate(Rule):
    """An asynchronous fleet of none is woken by its first request, not when the backlog passes the target."""

    id = "AsyncWakesLate"
    severity = Severity.WARNING
    consequence = "Requests wait for a machine until there are more of them than the target, or expire."
    mend = "let an alarm on HasBacklogWithoutCapacity of at least 1 call a step policy that adds 1"
    source = "SageMaker Developer Guide, autoscale an asynchronous endpoint: scale up from zero, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find fleets that only track their backlog."""
        for place in targets(template):
            if place.kind != "async" or place.dimension != INSTANCES or least(place) != 0:
                continue
            woken = any(wakes(template, policy) for policy in policies_of(template, place))
            if is_clear(template, place) and not woken and follows_backlog(template, place):
                message = "a fleet of none wakes only when its backlog passes the target"
                yield Violation(place.resource, ("MinCapacity",), message)
