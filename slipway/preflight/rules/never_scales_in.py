from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import actions_of, targets
from slipway.preflight.scaling_policies import STEPS, policies_of, steps_of
from slipway.preflight.template import number
from slipway.preflight.watching import TRACKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Resource, Template


class NeverScalesIn(Rule):
    """What grows with the load becomes smaller again."""

    id = "NeverScalesIn"
    severity = Severity.WARNING
    consequence = "The fleet stays as large as its highest peak, and is paid for."
    mend = "remove DisableScaleIn, or add a policy or a scheduled action that removes"
    source = "Application Auto Scaling API reference, TargetTrackingScalingPolicyConfiguration: DisableScaleIn, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find targets all of whose policies only add."""
        for place in targets(template):
            policies = policies_of(template, place)
            disabled = [policy for policy in policies if _only_grows(policy)]
            if disabled and not actions_of(place) and not any(_may_shrink(policy) for policy in policies):
                message = "no policy of its target ever removes anything"
                yield Violation(disabled[0], (TRACKING, "DisableScaleIn"), message)


def _only_grows(policy: Resource) -> bool:
    return str(policy.at(TRACKING, "DisableScaleIn")).lower() == "true"


def _may_shrink(policy: Resource) -> bool:
    if isinstance(policy.at(TRACKING), dict):
        return not _only_grows(policy)
    if policy.at(STEPS, "AdjustmentType") == "ExactCapacity" or not steps_of(policy):
        return True
    changes = [number(step.get("ScalingAdjustment")) for step in steps_of(policy)]
    return any(change is None or change < 0 for change in changes)
