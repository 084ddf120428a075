from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number
from slipway.preflight.watching import watches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template
    from slipway.preflight.watching import Watch

LEAST: Final = 1000
"""Microseconds: no model behind HTTP answers within a millisecond."""
TIMED: Final = frozenset({"ModelLatency", "OverheadLatency", "ContainerLatency", "ModelSetupTime"})


class LatencyBoundInOtherUnit(Rule):
    """A bound of a latency is in microseconds, as the metric is."""

    id = "LatencyBoundInOtherUnit"
    severity = Severity.WARNING
    consequence = "The alarm fires at the first request and is never over: a bound of 500 is half a millisecond."
    mend = "write microseconds: 500 ms are 500000"
    source = "SageMaker Developer Guide, CloudWatch metrics of endpoints: ModelLatency is in microseconds, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find bounds below a millisecond."""
        for watch in watches(template):
            bound = number(watch.bound)
            if bound is not None and 0 < bound < LEAST and _is_latency(watch):
                message = f"{bound:g} microseconds are less than any answer takes; is it meant in ms or s?"
                yield Violation(watch.resource, watch.bound_path, message)


def _is_latency(watch: Watch) -> bool:
    return watch.metric is not None and watch.metric.name in TIMED and watch.statistic != "SampleCount"
