from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.watching import watches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ThresholdOutOfReach(Rule):
    """A bound lies where the statistic can be on both sides of it."""

    id = "ThresholdOutOfReach"
    severity = Severity.ERROR
    consequence = "The alarm never fires, or always does; a policy never adds anything."
    mend = "write a bound between the least and the greatest value; error rates and cache hits are 0 to 1"
    source = "SageMaker Developer Guide, CloudWatch metrics of endpoints: what the values mean, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find bounds that no value is beyond, or every value."""
        for watch in watches(template):
            why = watch.out_of_reach
            if why is not None:
                yield Violation(watch.resource, watch.bound_path, why)
