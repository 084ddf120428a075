from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import actions_of, targets
from slipway.preflight.values import is_known
from slipway.specs.cron import cron_fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

AT: Final = re.compile(r"at\(\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\)")
RATE: Final = re.compile(r"rate\([1-9]\d*\s+(minute|hour|day)s?\)")
CRON: Final = re.compile(r"cron\(([^()]*)\)")


class ScheduleMalformed(Rule):
    """A schedule is at(…), rate(…), or cron(…) of six fields, one of the two days being ?."""

    id = "ScheduleMalformed"
    severity = Severity.ERROR
    consequence = "PutScheduledAction is refused, and the stack rolls back."
    mend = "write cron(minutes hours day-of-month month day-of-week year), as in cron(0 8 ? * MON-FRI *)"
    source = "Application Auto Scaling API reference, PutScheduledAction; User Guide, cron expressions, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find schedules of another shape."""
        for place in targets(template):
            for path, action in actions_of(place):
                schedule = action.get("Schedule")
                why = _malformed(schedule) if isinstance(schedule, str) and is_known(schedule) else None
                if why is not None:
                    yield Violation(place.resource, (*path, "Schedule"), f"'{schedule}': {why}")


def _malformed(schedule: str) -> str | None:
    if AT.fullmatch(schedule) or RATE.fullmatch(schedule):
        return None
    cron = CRON.fullmatch(schedule)
    return "neither at(…), rate(…) nor cron(…)" if cron is None else cron_fault(cron[1])
