from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.alarming import ALARM
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class DatapointsBeyondPeriods(Rule):
    """An alarm needs no more datapoints than it looks at."""

    id = "DatapointsBeyondPeriods"
    severity = Severity.ERROR
    consequence = "PutMetricAlarm is refused, and the stack rolls back."
    mend = "write DatapointsToAlarm between 1 and EvaluationPeriods"
    source = "CloudWatch API reference, PutMetricAlarm: DatapointsToAlarm, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find alarms that need more."""
        for alarm in template.of_kind(ALARM):
            needed, periods = number(alarm.at("DatapointsToAlarm")), number(alarm.at("EvaluationPeriods"))
            if needed is not None and periods is not None and not 1 <= needed <= periods:
                message = f"{needed:g} datapoints shall be over the bound, of {periods:g} that are looked at"
                yield Violation(alarm, ("DatapointsToAlarm",), message)
