from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number
from slipway.preflight.watching import watches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

SHORT: Final = frozenset({10, 20, 30})
FINE: Final = frozenset({"ConcurrentRequestsPerModel", "ConcurrentRequestsPerCopy", "NoCapacityInvocationFailures"})
"""What is published every ten seconds, and what AWS's own example watches every thirty."""


class AlarmPeriodTooFine(Rule):
    """Only metrics that are published more than once a minute are watched more often."""

    id = "AlarmPeriodTooFine"
    severity = Severity.WARNING
    consequence = "The alarm lapses into INSUFFICIENT_DATA between two values, and costs three times as much."
    mend = "write a period of 60"
    source = "CloudWatch API reference, PutMetricAlarm: Period, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find periods below a minute."""
        for watch in watches(template):
            metric, period = watch.metric, number(watch.stat.get("Period"))
            if watch.source.config is None:
                continue  # another stack's, which may publish more often
            if watch.is_alarm and metric is not None and metric.name not in FINE and period in SHORT:
                message = f"{metric.name} is published once a minute, not every {period:g} s"
                yield Violation(watch.resource, (*watch.stat_path, "Period"), message)
