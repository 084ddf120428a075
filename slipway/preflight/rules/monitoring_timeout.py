from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.catalog import limit
from slipway.preflight.monitoring import MOST_SECONDS, SCHEDULE
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

HOURLY: Final = "cron(0 * ? * * *)"
PATH: Final = ("StoppingCondition", "MaxRuntimeInSeconds")


class MonitoringTimeout(Rule):
    """An hourly monitoring job ends within an hour, one of bias or model quality within half of one."""

    id = "MonitoringTimeout"
    severity = Severity.ERROR
    consequence = "CreateMonitoringSchedule is refused, and the stack rolls back."
    mend = "lower MaxRuntimeInSeconds, or run the job less often"
    source = "botocore, MonitoringStoppingCondition: MaxRuntimeInSeconds, by slipway/catalog/prose_limits.json, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find hourly jobs that may take longer."""
        for schedule in template.of_kind(SCHEDULE):
            if schedule.at("MonitoringScheduleConfig", "ScheduleConfig", "ScheduleExpression") != HOURLY:
                continue
            name = schedule.at("MonitoringScheduleConfig", "MonitoringJobDefinitionName")
            for kind, limited in MOST_SECONDS.items():
                definition = template.named(kind, name, key="JobDefinitionName")
                seconds = None if definition is None else number(definition.at(*PATH))
                most = limit(limited).most
                if definition is not None and seconds is not None and most is not None and seconds > most:
                    message = f"{seconds:g} s are given and at most {most} are accepted of an hourly job"
                    yield Violation(definition, PATH, message)
