from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number
from slipway.preflight.watching import watches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

HOUR: Final = 3600
DAY: Final = 86_400


class AlarmWindowTooLong(Rule):
    """An alarm looks back a day at most, and a week with periods of an hour or more."""

    id = "AlarmWindowTooLong"
    severity = Severity.ERROR
    consequence = "PutMetricAlarm is refused, and the stack rolls back."
    mend = "lower EvaluationPeriods, or lengthen the period to an hour or more"
    source = "CloudWatch API reference, PutMetricAlarm: Period, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find longer windows."""
        for watch in watches(template):
            period, periods = number(watch.stat.get("Period")), number(watch.resource.at("EvaluationPeriods"))
            if not watch.is_alarm or period is None or periods is None:
                continue
            most = DAY if period < HOUR else 7 * DAY
            if period * periods > most:
                message = f"{periods:g} periods of {period:g} s are {period * periods:g} s; {most} are the most"
                yield Violation(watch.resource, ("EvaluationPeriods",), message)
