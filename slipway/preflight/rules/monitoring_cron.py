from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from slipway.preflight.monitoring import SCHEDULE
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

HOUR: Final = r"(\*|([01]?\d|2[0-3])(/(0?[1-9]|1\d|2[0-4]))?)"
ACCEPTED: Final = re.compile(rf"NOW|cron\(0 {HOUR} \? \* \* \*\)")


class MonitoringCron(Rule):
    """A monitoring schedule is hourly, daily, every few hours, or now."""

    id = "MonitoringCron"
    severity = Severity.ERROR
    consequence = "CreateMonitoringSchedule is refused, and the stack rolls back."
    mend = "write cron(0 * ? * * *), cron(0 12 ? * * *), cron(0 0/6 ? * * *) or NOW"
    source = "botocore, ScheduleConfig: ScheduleExpression, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find other expressions."""
        for schedule in template.of_kind(SCHEDULE):
            path = ("MonitoringScheduleConfig", "ScheduleConfig", "ScheduleExpression")
            written = schedule.at(*path)
            if isinstance(written, str) and is_known(written) and not ACCEPTED.fullmatch(written.strip()):
                yield Violation(schedule, path, f"'{written[:60]}' is not a schedule of Model Monitor")
