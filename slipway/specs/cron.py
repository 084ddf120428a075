"""Cron expressions as AWS's schedulers read them: six fields, and ``?`` for one of the two days."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MONTHS: Final = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
DAYS: Final = "SUN|MON|TUE|WED|THU|FRI|SAT"


class _Kind(NamedTuple):
    name: str
    least: int
    most: int
    names: str = ""
    also: str = ""
    """What else it takes, as a pattern."""


FIELDS: Final = (
    _Kind("minutes", 0, 59),
    _Kind("hours", 0, 23),
    _Kind("day of month", 1, 31, also=r"\?|L|LW|\d+W"),
    _Kind("month", 1, 12, MONTHS),
    _Kind("day of week", 1, 7, DAYS, also=r"\?|L|\d+L|\d+#[1-5]"),
    _Kind("year", 1970, 2199),
)


def cron_fault(fields: str) -> str | None:
    """Say what is wrong with an expression; None where nothing is.

    Args:
        fields: What stands between the brackets of ``cron(…)``.
    """
    found = fields.split()
    if len(found) != len(FIELDS):
        accepted = ", ".join(kind.name for kind in FIELDS)
        return f"{len(found)} fields are given and {len(FIELDS)} are accepted: {accepted}"
    fault = next((it for kind, field in zip(FIELDS, found, strict=True) if (it := _fault(kind, field))), None)
    if fault is None and (found[2] == "?") == (found[4] == "?"):
        return "exactly one of day of month and day of week is ?"
    return fault


def _fault(kind: _Kind, field: str) -> str | None:
    unit = rf"(?:\d{{1,4}}{'|' + kind.names if kind.names else ''})"
    item = rf"(?:\*|{unit}(?:-{unit})?)(?:/\d{{1,4}})?{'|' + kind.also if kind.also else ''}"
    if not all(re.fullmatch(item, part, re.IGNORECASE) for part in field.split(",")):
        return f"'{field}' is no {kind.name}"
    numbers = [int(number) for number in re.findall(r"(?<![/#\d])\d+", field)]
    if any(not kind.least <= number <= kind.most for number in numbers):
        return f"{kind.name}: {kind.least} to {kind.most} are accepted, and '{field}' is given"
    return None
