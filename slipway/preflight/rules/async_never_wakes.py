from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import INSTANCES, least, targets
from slipway.preflight.scaling_policies import policies_of
from slipway.preflight.waking import follows_backlog, is_clear, wakes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class AsyncNeverWakes(Rule):
    """An asynchronous fleet that may be none is woken by what is published while there is none."""

    id = "AsyncNeverWakes"
    severity = Severity.ERROR
    consequence = "Once there are no instances there are none for ever, and requests expire in the queue."
    mend = "let an alarm on HasBacklogWithoutCapacity of at least 1 call a step policy that adds 1"
    source = "SageMaker Developer Guide, autoscale an asynchronous endpoint, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find fleets whose policies all follow what instances publish."""
        for place in targets(template):
            if place.kind != "async" or place.dimension != INSTANCES or least(place) != 0:
                continue
            woken = any(wakes(template, policy) for policy in policies_of(template, place))
            if is_clear(template, place) and not woken and not follows_backlog(template, place):
                message = "its policies follow what instances publish, and of no instances there is nothing to follow"
                yield Violation(place.resource, ("MinCapacity",), message)
