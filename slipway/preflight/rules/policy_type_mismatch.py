from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import targets
from slipway.preflight.scaling_policies import STEPS, policies_of
from slipway.preflight.watching import TRACKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

WANTED: Final = {"StepScaling": STEPS, "TargetTrackingScaling": TRACKING}


class PolicyTypeMismatch(Rule):
    """A policy has the settings of its type."""

    id = "PolicyTypeMismatch"
    severity = Severity.ERROR
    consequence = "PutScalingPolicy is refused, and the stack rolls back."
    mend = (
        "write StepScalingPolicyConfiguration for StepScaling, TargetTrackingScalingPolicyConfiguration for the other"
    )
    source = "Application Auto Scaling API reference, PutScalingPolicy: PolicyType, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find policies that lack them."""
        for place in targets(template):
            for policy in policies_of(template, place):
                written = policy.at("PolicyType")
                wanted = WANTED.get(written) if isinstance(written, str) else None
                if wanted is not None and policy.at(wanted) is None:
                    yield Violation(policy, ("PolicyType",), f"'{written}' takes a {wanted}, and none is given")
