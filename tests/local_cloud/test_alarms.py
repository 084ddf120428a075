"""How an alarm is judged, without a cloud: missing data count as CloudWatch's user guide says."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.local_cloud.alarms import datapoints, state_of


def alarm(**more: Any) -> dict[str, Any]:
    return {
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "StateValue": "INSUFFICIENT_DATA",
        **more,
    }


def point(age: float, value: float, count: int = 1) -> dict[str, Any]:
    return {"Timestamp": 1000.0 - age, "Value": value, "Count": count, "Unit": "None"}


def test_period_is_whole_and_ends_now() -> None:
    points = [point(0, 4), point(59, 2), point(60, 100), point(119, 50), point(120, 7), point(-5, 9)]
    assert datapoints(alarm(EvaluationPeriods=2), points, 1000.0, 60) == [3, 75]


def test_average_counts_each_request_once_however_they_were_batched() -> None:
    assert datapoints(alarm(), [point(1, 0, count=99), point(2, 1)], 1000.0, 60) == [0.01]


@pytest.mark.parametrize(("statistic", "value"), [("p50", 1), ("p99", pytest.approx(1, abs=0.5)), ("p100", 50)])
def test_percentile_is_of_the_requests(statistic: str, value: float) -> None:
    points = [point(1, 1, count=199), point(2, 50)]
    assert datapoints(alarm(ExtendedStatistic=statistic), points, 1000.0, 60) == [value]


def states(pattern: str, needed: int, before: str = "INSUFFICIENT_DATA") -> dict[str, str]:
    """The state by treatment; the pattern has the oldest period first: 0 good, X bad, - nothing."""
    found = [{"0": 0.0, "X": 2.0, "-": None}[sign] for sign in reversed(pattern)]
    given = {"EvaluationPeriods": len(pattern), "DatapointsToAlarm": needed, "StateValue": before}
    treatments = ("missing", "ignore", "breaching", "notBreaching")
    return {name: state_of(alarm(**given, TreatMissingData=name), found) for name in treatments}


@pytest.mark.parametrize(
    ("pattern", "needed", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("XXX", 3, "ALARM", "ALARM", "ALARM", "ALARM"),
        ("X0X", 3, "OK", "OK", "OK", "OK"),
        ("---", 3, "INSUFFICIENT_DATA", "kept", "ALARM", "OK"),
        ("X--", 3, "ALARM", "kept", "ALARM", "OK"),
        ("--X", 3, "OK", "kept", "ALARM", "OK"),
        ("0--", 3, "OK", "OK", "OK", "OK"),
        ("-X-XX", 3, "ALARM", "ALARM", "ALARM", "ALARM"),
        ("0-0-X", 3, "OK", "kept", "ALARM", "OK"),
    ],
)
def test_missing_data_count_as_the_alarm_says(
    pattern: str, needed: int, missing: str, ignore: str, breaching: str, not_breaching: str
) -> None:
    assert states(pattern, needed, before="kept") == {
        "missing": missing,
        "ignore": ignore,
        "breaching": breaching,
        "notBreaching": not_breaching,
    }


@pytest.mark.parametrize(
    ("comparison", "value", "state"),
    [
        ("GreaterThanThreshold", 1.0, "OK"),
        ("GreaterThanOrEqualToThreshold", 1.0, "ALARM"),
        ("LessThanThreshold", 1.0, "OK"),
        ("LessThanOrEqualToThreshold", 1.0, "ALARM"),
    ],
)
def test_threshold_itself_belongs_where_the_operator_puts_it(comparison: str, value: float, state: str) -> None:
    assert state_of(alarm(ComparisonOperator=comparison), [value]) == state
