from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import targets
from slipway.preflight.scaling_policies import policies_of
from slipway.preflight.template import number
from slipway.preflight.watching import PREDEFINED, TARGET_VALUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

SHARE: Final = "SageMakerVariantProvisionedConcurrencyUtilization"


class TargetOutOfRange(Rule):
    """The target of a predefined metric is above 0, and a share where the metric is one."""

    id = "TargetOutOfRange"
    severity = Severity.ERROR
    consequence = "PutScalingPolicy is refused, or the policy never adds anything: no utilization is above 1."
    mend = "write a target above 0; of provisioned concurrency a share, such as 0.7 for 70 %"
    source = "SageMaker Developer Guide, autoscaling of provisioned concurrency: target value, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find targets that the metric never reaches."""
        for place in targets(template):
            for policy in policies_of(template, place):
                name, target = policy.at(*PREDEFINED), number(policy.at(*TARGET_VALUE))
                if not isinstance(name, str) or target is None:
                    continue
                if target <= 0 or (name == SHARE and target >= 1):
                    accepted = "above 0 and below 1" if name == SHARE else "above 0"
                    yield Violation(policy, TARGET_VALUE, f"{target:g} is given, and {accepted} is accepted")
