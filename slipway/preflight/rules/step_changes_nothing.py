from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import least, targets
from slipway.preflight.scaling_policies import STEPS, is_step, policies_of, steps_of
from slipway.preflight.template import number
from slipway.preflight.waking import wakes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.scaling import Place
    from slipway.preflight.template import Resource, Template


class StepChangesNothing(Rule):
    """A step policy changes something: a share of nothing is nothing, and so is a change of 0."""

    id = "StepChangesNothing"
    severity = Severity.ERROR
    consequence = "The alarm fires and the policy leaves the capacity as it is."
    mend = "add at least 1; with PercentChangeInCapacity from zero, write MinAdjustmentMagnitude"
    source = "Application Auto Scaling User Guide, step scaling: adjustment types, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find adjustments of 0, and policies that shall wake and do not add."""
        for place in targets(template):
            for policy in policies_of(template, place):
                why = _why(template, place, policy) if is_step(policy) else None
                if why is not None:
                    yield Violation(policy, (STEPS, "StepAdjustments"), why)


def _why(template: Template, place: Place, policy: Resource) -> str | None:
    how = policy.at(STEPS, "AdjustmentType")
    changes = [number(step.get("ScalingAdjustment")) for step in steps_of(policy)]
    if not changes or None in changes:
        return None
    if how == "ChangeInCapacity" and not any(changes):
        return "every step adds 0"
    if not wakes(template, policy) or least(place) != 0:
        return None
    adds = any(change is not None and change > 0 for change in changes)
    if how in ("ChangeInCapacity", "ExactCapacity") and not adds:
        return "it shall wake what sleeps, and adds nothing"
    if how == "PercentChangeInCapacity" and policy.at(STEPS, "MinAdjustmentMagnitude") in (None, 0, "0"):
        return "it shall wake what sleeps, and a percentage of none is none"
    return None
