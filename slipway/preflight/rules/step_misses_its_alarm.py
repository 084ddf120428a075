from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.alarming import ALARM
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling_policies import STEPS, callers_of, intervals_of, is_step
from slipway.preflight.template import number
from slipway.preflight.watching import POLICY, watched_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.preflight.template import Resource, Template

ENDLESS: Final = float("inf")


class StepMissesItsAlarm(Rule):
    """A step covers values on the side of the threshold on which the alarm fires; its bounds count from there."""

    id = "StepMissesItsAlarm"
    severity = Severity.ERROR
    consequence = "The alarm fires and the policy changes nothing: no step covers the value."
    mend = "count bounds from the threshold: MetricIntervalLowerBound 0 above it, MetricIntervalUpperBound 0 below it"
    source = "Application Auto Scaling API reference, StepAdjustment, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find policies none of whose steps covers what their alarms fire at."""
        for policy in template.of_kind(POLICY):
            intervals = intervals_of(policy)
            if not is_step(policy) or not intervals:
                continue
            fired = [_fires_at(template, alarm) for alarm in callers_of(template, policy)]
            if fired and not any(each is None or _is_covered(each, intervals) for each in fired):
                message = f"no step covers what '{callers_of(template, policy)[0].logical_id}' fires at"
                yield Violation(policy, (STEPS, "StepAdjustments"), message)


def _fires_at(template: Template, alarm: Resource) -> tuple[float, float] | None:
    """Return the range, counted from the threshold, in which an alarm fires; None where it is not known."""
    threshold, comparison = number(alarm.at("Threshold")), alarm.at("ComparisonOperator")
    watched = watched_by(template).get(alarm.logical_id, [])
    if any(watch.out_of_reach is not None for watch in watched):
        return None
    if alarm.kind != ALARM or threshold is None or not isinstance(comparison, str):
        return None
    metric = watched[0].metric if len(watched) == 1 and watched[0].compared else None
    try:
        bounds = (-ENDLESS, ENDLESS) if metric is None else metric.bounds(str(watched[0].statistic))
    except ValueError:
        bounds = (-ENDLESS, ENDLESS)
    if comparison.startswith("GreaterThan"):
        return 0, max(0, bounds[1] - threshold)
    return (min(0, bounds[0] - threshold), 0) if comparison.startswith("LessThan") else None


def _is_covered(fires: tuple[float, float], intervals: Sequence[tuple[float, float]]) -> bool:
    low, high = fires
    if low == 0:  # above the threshold lower bounds are inclusive, below it upper ones
        return any(lower <= high and upper > 0 for lower, upper in intervals)
    return any(upper >= low and lower < 0 for lower, upper in intervals)
