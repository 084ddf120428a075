"""The private names of ministack's CloudWatch and EventBridge that we rest on; a test of the same name guards them.

Its own evaluation of alarms looks at the metric's name alone, over all dimensions and without periods, so that an alarm
on a new fleet would hear the old one: ours takes its place.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

from ministack.core import responses as _responses
from ministack.services import cloudwatch as _cloudwatch
from ministack.services import eventbridge as _eventbridge

from .places import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_KEPT_SECONDS: Final = 3 * 3600  # as long as CloudWatch keeps what is finer than a minute


def store(
    place: Place, namespace: str, name: str, unit: str, dimensions: dict[str, str], values: Mapping[float, int]
) -> None:
    """Store the values of a metric, each with how often it came, stamped now. Evaluates no alarm."""
    with _scope(place):
        _cloudwatch._store_datum(  # noqa: SLF001  a seam
            namespace, name, dimensions, time.time(), unit, None, list(values), list(values.values()), None
        )


def points(place: Place, alarm: dict[str, Any], since: float) -> list[dict[str, Any]]:
    """Return the points of the metric that an alarm watches: of its very dimensions, and of its unit.

    Args:
        place: Of the alarm.
        alarm: As DescribeAlarms gives it.
        since: Seconds since the epoch; older points are left out.
    """
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm.get("Dimensions", [])}
    key = (alarm["Namespace"], alarm["MetricName"], _cloudwatch._dims_key(dimensions))  # noqa: SLF001  a seam
    with _scope(place):
        found: list[dict[str, Any]] = _cloudwatch._metrics.get(key) or []  # noqa: SLF001  a seam
    recent = found[bisect_left(found, since, key=_stamp) :]
    unit = alarm.get("Unit")
    return recent if unit is None else [point for point in recent if point["Unit"] == unit]


def statistic(found: list[dict[str, Any]], name: str) -> float | None:
    """Return a statistic of points, a percentile as in ``p99`` included; None where there is none."""
    stats = _cloudwatch._calc_stats(found)  # noqa: SLF001  a seam
    value = _cloudwatch._stat_value(stats, name, found) if stats else None  # noqa: SLF001  a seam
    return None if value is None else float(value)


def alarms() -> list[tuple[Place, dict[str, Any]]]:
    """Return every metric alarm of every place."""
    known = _cloudwatch._alarms.all_items()  # noqa: SLF001  a seam
    return [(Place(account, region), alarm) for (account, region, _name), alarm in known]


def move(place: Place, alarm: dict[str, Any], state: str, reason: str) -> None:
    """Move an alarm to another state: with its history, its actions, and the composite alarms above it."""
    with _scope(place):
        before = alarm["StateValue"]
        alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
        _cloudwatch._record_history(alarm["AlarmName"], before, state, reason)  # noqa: SLF001  a seam
        _cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)  # noqa: SLF001  a seam
        _cloudwatch._evaluate_parent_alarms(alarm)  # noqa: SLF001  a seam


def keep_points_in_order() -> None:
    """Have each metric's points lie in the order of their stamps, whoever stores them, so that few need be read."""
    store_as_ever = _cloudwatch._store_datum  # noqa: SLF001  a seam

    def store_in_order(namespace: str, name: str, dimensions: dict[str, str], *rest: Any) -> None:
        bucket = _cloudwatch._metric_bucket((namespace, name, _cloudwatch._dims_key(dimensions)))  # noqa: SLF001  seams
        newest = _stamp(bucket[-1]) if bucket else 0.0
        store_as_ever(namespace, name, dimensions, *rest)
        if bucket and _stamp(bucket[-1]) < newest:
            bucket.sort(key=_stamp)

    _cloudwatch._store_datum = store_in_order  # noqa: SLF001  a seam


def evaluate_alarms_with(evaluate: Callable[[Place, dict[str, Any]], None]) -> None:
    """Have our own evaluation run wherever the emulator's ran, and its sweep over all metrics nowhere."""

    def ours(alarm: dict[str, Any]) -> None:
        evaluate(Place(_responses.get_account_id(), _responses.get_region()), alarm)

    _cloudwatch._evaluate_alarm = ours  # noqa: SLF001  a seam
    _cloudwatch._evict_old_metrics = lambda: None  # noqa: SLF001  it reads all there is at every call: see prune


def prune(namespaces: tuple[str, ...]) -> None:
    """Forget old points: those of these namespaces after three hours, all others when CloudWatch would."""
    now = time.time()
    for key, found in list(_cloudwatch._metrics._data.items()):  # noqa: SLF001  a seam
        kept_seconds = _KEPT_SECONDS if key[2][0] in namespaces else _cloudwatch.TWO_WEEKS_SECONDS
        found[:] = [point for point in found if point["Timestamp"] >= now - kept_seconds]
        if not found:
            del _cloudwatch._metrics._data[key]  # noqa: SLF001  a seam


def put_event(place: Place, detail_type: str, resource: str, detail: dict[str, Any]) -> None:
    """Put an event of SageMaker's on the default bus, where rules see it."""
    entry = {"Source": "aws.sagemaker", "DetailType": detail_type, "Resources": [resource]}
    with _scope(place):
        _eventbridge._put_events(  # noqa: SLF001  a seam
            {"Entries": [{**entry, "Detail": json.dumps(detail)}]}, allow_aws_source=True
        )


def _stamp(point: dict[str, Any]) -> float:
    return float(point["Timestamp"])


def _scope(place: Place) -> Any:
    return _responses.request_scope(place.account, place.region)
