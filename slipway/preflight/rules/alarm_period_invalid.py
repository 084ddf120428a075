from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number
from slipway.preflight.watching import watches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

SHORT: Final = frozenset({10, 20, 30})
MINUTE: Final = 60


class AlarmPeriodInvalid(Rule):
    """The period of an alarm is 10, 20 or 30 seconds, or a number of minutes."""

    id = "AlarmPeriodInvalid"
    severity = Severity.ERROR
    consequence = "PutMetricAlarm is refused, and the stack rolls back."
    mend = "write 60 or a multiple of it"
    source = "CloudWatch API reference, PutMetricAlarm: Period, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find other periods."""
        for watch in watches(template):
            period = number(watch.stat.get("Period"))
            if watch.is_alarm and period is not None and period not in SHORT and (period < 1 or period % MINUTE):
                message = f"{period:g} s are given; 10, 20, 30 and whole minutes are accepted"
                yield Violation(watch.resource, (*watch.stat_path, "Period"), message)
