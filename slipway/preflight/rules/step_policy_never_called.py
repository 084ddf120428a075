from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.alarming import calling_is_seen
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import targets
from slipway.preflight.scaling_policies import STEPS, callers_of, is_step, policies_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class StepPolicyNeverCalled(Rule):
    """A step policy is an action of an alarm; nothing else ever calls it."""

    id = "StepPolicyNeverCalled"
    severity = Severity.ERROR
    consequence = "The policy is created and never runs: what sleeps does not wake, what is full does not grow."
    mend = "name the policy under AlarmActions of the alarm that shall call it: !Ref Policy"
    source = "Application Auto Scaling User Guide, step scaling policies, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find policies that no alarm, and nothing else in the template, refers to."""
        if not calling_is_seen(template):
            return
        for place in targets(template):
            for policy in policies_of(template, place):
                called = callers_of(template, policy) or policy.logical_id in template.references.mentioned
                if is_step(policy) and not called:
                    yield Violation(policy, (STEPS,), "no alarm calls this policy")
