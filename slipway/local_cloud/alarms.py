"""Metric alarms, judged as CloudWatch judges them: by dimension and unit, period by period, missing data as asked.

Periods end now instead of at the full minute, so that each is whole and an alarm speaks within a second or two of what
it watches. Of what CloudWatch does, only the extra periods are not here that it reads back where data are missing. A
state that ``SetAlarmState`` gave stays a few seconds, as there.
"""

from __future__ import annotations

import operator
import time
from typing import TYPE_CHECKING, Any, Final

from . import ministack_cloudwatch as cloudwatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .places import Place

MINUTE_SECONDS: Final = 60.0
_SET_BY_HAND_SECONDS: Final = 10.0
_COMPARISONS: Final = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


class Alarms:
    """Judges the alarms of this cloud.

    Args:
        minute_seconds: How long a minute of an alarm's period takes here; less than 60 for tests in a hurry.
    """

    def __init__(self, minute_seconds: float = MINUTE_SECONDS) -> None:
        self._pace = minute_seconds / MINUTE_SECONDS
        self._judged: dict[str, str] = {}

    def judge_all(self) -> None:
        """Judge every alarm of every place: time passes without new data, too."""
        for place, alarm in cloudwatch.alarms():
            self.judge(place, alarm)

    def judge(self, place: Place, alarm: dict[str, Any]) -> None:
        """Move one alarm to the state that its metric asks for, where that is another one."""
        if alarm.get("ComparisonOperator") not in _COMPARISONS or not alarm.get("MetricName"):
            return  # metric math and anomaly detection keep the state that SetAlarmState gives them
        if self._set_by_hand(alarm):
            return
        found = self.datapoints(place, alarm)
        state = self._judged[alarm["AlarmArn"]] = state_of(alarm, found)
        if state != alarm["StateValue"]:
            cloudwatch.move(place, alarm, state, _reason(alarm, found))

    def _set_by_hand(self, alarm: dict[str, Any]) -> bool:
        ours = self._judged.get(alarm["AlarmArn"], "INSUFFICIENT_DATA")
        lately = time.time() - alarm["StateUpdatedTimestamp"] < _SET_BY_HAND_SECONDS
        return alarm["StateValue"] not in (ours, "INSUFFICIENT_DATA") and lately

    def datapoints(self, place: Place, alarm: dict[str, Any]) -> list[float | None]:
        """Return the statistic of each period that an alarm looks at, the newest first; None where it has no data."""
        now, period_seconds = time.time(), alarm["Period"] * self._pace
        found = cloudwatch.points(place, alarm, now - period_seconds * alarm["EvaluationPeriods"])
        return datapoints(alarm, found, now, period_seconds)


def datapoints(
    alarm: dict[str, Any], points: Sequence[dict[str, Any]], now: float, period_seconds: float
) -> list[float | None]:
    """Return the statistic of each period that ends now or before, the newest first.

    Args:
        alarm: As DescribeAlarms gives it.
        points: Of its metric.
        now: In seconds since the epoch, as the points' stamps are.
        period_seconds: The alarm's period, in seconds of this cloud.
    """
    periods: list[list[dict[str, Any]]] = [[] for _ in range(alarm["EvaluationPeriods"])]
    for point in points:
        number = int((now - point["Timestamp"]) // period_seconds)
        if 0 <= number < len(periods):
            periods[number].append(point)
    name = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    return [cloudwatch.statistic(found, name) if found else None for found in periods]


def state_of(alarm: dict[str, Any], found: Sequence[float | None]) -> str:
    """Return the state of an alarm.

    Args:
        alarm: As DescribeAlarms gives it.
        found: Its datapoints, the newest first.
    """
    verdicts = [None if value is None else breaches(alarm, value) for value in found]
    needed = alarm.get("DatapointsToAlarm") or len(found)
    treatment = alarm.get("TreatMissingData", "missing")
    if treatment in ("breaching", "notBreaching"):
        verdicts = [treatment == "breaching" if verdict is None else verdict for verdict in verdicts]
    if verdicts.count(True) >= needed:
        return "ALARM"
    if treatment == "ignore" and verdicts.count(False) <= len(verdicts) - needed:
        return str(alarm["StateValue"])
    if all(verdict is None for verdict in verdicts):
        return "INSUFFICIENT_DATA"
    return "ALARM" if _breached_and_fell_silent(verdicts, needed) else "OK"


def breaches(alarm: dict[str, Any], value: float) -> bool:
    """Tell whether a value is on the wrong side of an alarm's threshold."""
    return bool(_COMPARISONS[alarm["ComparisonOperator"]](value, alarm["Threshold"]))


def _breached_and_fell_silent(verdicts: Sequence[bool | None], needed: int) -> bool:
    """Where data are missing, CloudWatch takes a breach for lasting once it is old enough and nothing spoke against it.

    Source: its user guide, "How alarms handle missing data", the rule against premature alarms.
    """
    oldest = max((number for number, verdict in enumerate(verdicts) if verdict), default=-1)
    return oldest >= needed - 1 and False not in verdicts[: oldest + 1]


def _reason(alarm: dict[str, Any], found: Sequence[float | None]) -> str:
    values = [value for value in found if value is not None]
    if not values:
        return f"No datapoint was received for the last {len(found)} periods."
    hits = sum(breaches(alarm, value) for value in values)
    shown = ", ".join(f"{value:g}" for value in values)
    return (
        f"Threshold Crossed: {hits} out of the last {len(found)} datapoints [{shown}] breached: "
        f"{alarm['ComparisonOperator']} {alarm['Threshold']:g}."
    )
