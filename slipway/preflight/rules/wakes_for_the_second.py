from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import targets
from slipway.preflight.scaling_policies import is_step, policies_of
from slipway.preflight.template import number
from slipway.preflight.waking import WAKE, calls_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template
    from slipway.preflight.watching import Watch


REFUSED: Final = "NoCapacityInvocationFailures"
MOST_PERIODS: Final = 2


class WakesForTheSecond(Rule):
    """What sleeps is woken by the first request that finds nothing running."""

    id = "WakesForTheSecond"
    severity = Severity.WARNING
    consequence = "A request that comes alone wakes nothing, and the one after it neither."
    mend = "let the alarm fire at GreaterThanOrEqualToThreshold 1, in one period"
    source = "SageMaker Developer Guide, scale an endpoint to zero instances: threshold 1, one period, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find alarms that need more than one refused request."""
        for place in targets(template):
            for policy in policies_of(template, place):
                for watch in calls_of(template, policy) if is_step(policy) else []:
                    if watch.is_alarm and watch.out_of_reach is None and _needs_more(watch):
                        message = f"more than one value of {watch.name} is needed before anything wakes"
                        yield Violation(watch.resource, ("Threshold",), message)


def _needs_more(watch: Watch) -> bool:
    bound = number(watch.bound)
    if bound is None or not isinstance(watch.name, str) or watch.name not in WAKE:
        return False
    if watch.name == REFUSED and (number(watch.resource.at("DatapointsToAlarm")) or 0) > MOST_PERIODS:
        return True
    comparison = watch.resource.at("ComparisonOperator")
    return bound > 1 or (bound == 1 and comparison == "GreaterThanThreshold")
