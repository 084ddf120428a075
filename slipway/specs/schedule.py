"""When the clock, not the load, bounds a fleet."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from slipway.specs.base import Findings, Name, Spec
from slipway.specs.cron import cron_fault
from slipway.specs.suggest import did_you_mean
from slipway.specs.text import Shape, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.specs.base import Keys

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Day, ...]] = get_args(Day)
NOT_ZERO: Final = {"min": "a real-time variant cannot be scaled to zero"}

_FIELD = r"[0-9A-Z*,/#-]+"
_CRON = rf"^{_FIELD} {_FIELD} (\? {_FIELD} {_FIELD}|{_FIELD} {_FIELD} \?) {_FIELD}$"
Cron = Annotated[
    str,
    Shape(
        _CRON,
        "six fields (minutes hours day-of-month month day-of-week year) with ? for one of the days, such as "
        "'0 7 ? * MON-FRI *'",
    ),
]
Clock = Annotated[str, Shape(r"^([01][0-9]|2[0-3]):[0-5][0-9]$", "a time of day from 00:00 to 23:59")]


@cache
def _zones() -> frozenset[str]:
    from zoneinfo import available_timezones  # reads a folder; only specs with a clock need it

    return frozenset(available_timezones())


def _known_zone(zone: str) -> str:
    # A machine without the time zone database can check the form alone.
    if (_zones() and zone not in _zones()) or re.fullmatch(r"[A-Za-z0-9_+/-]+", zone) is None:
        raise refuse(f"is not a time zone, such as Europe/Berlin{did_you_mean(zone, _zones())}")
    return zone


TimeZone = Annotated[str, AfterValidator(_known_zone), Field(examples=["Europe/Berlin"])]


class OffHours(Spec):
    """Hours in which the fleet may be smaller: a scheduled action begins them, another ends them."""

    reasons: ClassVar[dict[str, str]] = NOT_ZERO

    days: Annotated[tuple[Day, ...], Field(min_length=1, max_length=7)] = DAYS
    """Days on which they begin. Default: every day."""
    start: Clock | None = None
    """When they begin on these days. Default: the whole of these days is off."""
    end: Clock | None = None
    """When they end: the same day, or the next where it is not later than ``start``."""
    timezone: TimeZone = "Etc/UTC"
    """Whose clock and whose summer time."""
    min: Annotated[int, Field(ge=1, le=1000)]
    """Least machines meanwhile."""
    max: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Most machines meanwhile. Default: as many as at other times."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        if len(set(self.days)) < len(self.days):
            findings.add(("days",), "names a day twice: name each day once")
        if (self.start is None) != (self.end is None):
            given, other = ("start", "end") if self.end is None else ("end", "start")
            findings.add((given,), f"'start' and 'end' go together: write '{other}' too, or neither for whole days")
        elif self.start is None and set(self.days) == set(DAYS):
            findings.add(("days",), "every hour of the week is off: name fewer days, or write 'start' and 'end'")
        elif self.start is not None and self.start == self.end:
            findings.add(("end",), "off hours end when they start: write another time", because=(("start",),))
        check_order(findings, (), self.min, self.max)
        findings.refuse()
        return self


class Scheduled(Spec):
    """Bounds that the fleet takes at a time and keeps until other bounds are scheduled."""

    reasons: ClassVar[dict[str, str]] = NOT_ZERO

    name: Name
    """No other of the same fleet has it."""
    cron: Annotated[Cron, Field(examples=["0 7 ? * MON-FRI *"])]
    """When: minutes, hours, day of month, month, day of week, year."""
    timezone: TimeZone = "Etc/UTC"
    """Whose clock and whose summer time."""
    min: Annotated[int, Field(ge=1, le=1000)]
    """Least machines from then on."""
    max: Annotated[int, Field(ge=1, le=1000)]
    """Most machines from then on."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        findings = Findings()
        fault = cron_fault(self.cron)
        if fault is not None:
            findings.add(("cron",), f"{fault}, as in '0 7 ? * MON-FRI *'")
        check_order(findings, (), self.min, self.max)
        findings.refuse()
        return self


Schedule = Annotated[tuple[Scheduled, ...], Field(max_length=20)]


def check_order(findings: Findings, path: Keys, least: int, most: int | None) -> None:
    """Find a maximum below its minimum."""
    if most is not None and most < least:
        message = f"min is {least} and max is {most}: max must not be less"
        findings.add((*path, "max"), message, because=((*path, "min"),))


def check_clock(
    findings: Findings, least: int, most: int, off_hours: OffHours | None, schedule: Sequence[Scheduled]
) -> None:
    """Find off hours that change nothing or contradict the fleet's bounds, and names that are given twice."""
    if off_hours is not None:
        ceiling = most if off_hours.max is None else off_hours.max
        if (off_hours.min, ceiling) == (least, most):
            message = f"the fleet has {least} to {most} machines at other times too: write less, or remove the key"
            findings.add(("off_hours",), message, because=(("instances",),))
        elif off_hours.max is None and off_hours.min > most:
            message = f"{off_hours.min} is more than the {most} that the fleet may have: write 'max' too"
            findings.add(("off_hours", "min"), message, because=(("instances", "max"),))
    names = [entry.name for entry in schedule]
    for index, name in enumerate(names):
        if name in names[:index]:
            findings.add(("schedule", index, "name"), f"'{name}' is given twice: name each entry apart")
