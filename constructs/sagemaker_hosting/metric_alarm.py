"""Alarms that are made from the catalogue alone, so that each of them can fire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import aws_cloudwatch as cloudwatch

from slipway.catalog import find_metric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constructs import Construct

    from slipway.catalog import Alarm, InstanceType

ONE_MINUTE: Final = (1, 1)


class DeadAlarmError(ValueError):
    """An alarm whose state could never change."""


@dataclass(frozen=True)
class Origin:
    """Whose values of a metric.

    Args:
        kind: Of the endpoint.
        dimensions: Names and values, in the order of the template.
        machine: That publishes them; needed for what is summed over its cores or GPUs.
            Default: none, as for metrics of requests.
    """

    kind: str
    dimensions: Mapping[str, str]
    machine: InstanceType | None = None


def metric_alarm(
    scope: Construct,
    construct_id: str,
    *,
    alarm: Alarm,
    origin: Origin,
    bound: float,
    description: str,
    actions: Sequence[str],
    soon: bool = False,
) -> cloudwatch.CfnAlarm:
    """Define an alarm; namespace, dimensions, statistic and unit are the catalogue's.

    The unit is checked and converted, and not written: CloudWatch then compares whatever the metric is published in,
    and an alarm with a unit that AWS once changes would fall silent.

    Args:
        scope: Gets it, directly: its logical id is that of a resource of this id.
        construct_id: Its name there.
        alarm: What is watched.
        origin: Whose values.
        bound: In the alarm's unit.
        description: What it says when it fires.
        actions: What is called when it fires, and, where it notifies, when it is over.
        soon: Whether one minute is enough.
            Default: as many as the alarm says.

    Raises:
        DeadAlarmError: If the kind publishes no such metric, the metric has no such statistic, or no value of it could
            ever be, or not be, on the wrong side of the bound.
    """
    try:
        value = threshold(alarm, origin, bound)
    except DeadAlarmError as error:
        raise DeadAlarmError(f"{scope.node.path}/{construct_id}: {error}") from error
    metric = find_metric(alarm.metric, kind=origin.kind, dimensions=origin.dimensions)
    periods, datapoints = ONE_MINUTE if soon else (alarm.periods, alarm.datapoints)
    percentile = alarm.statistic.startswith("p")
    return cloudwatch.CfnAlarm(
        scope,
        construct_id,
        alarm_actions=list(actions),
        alarm_description=description,
        comparison_operator=alarm.comparison,
        datapoints_to_alarm=datapoints,
        dimensions=[
            cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value) for name, value in origin.dimensions.items()
        ],
        evaluation_periods=periods,
        extended_statistic=alarm.statistic if percentile else None,
        metric_name=metric.name,
        namespace=metric.namespace,
        # Scaling policies are called by alarms that nobody is told of: they need no all-clear.
        ok_actions=None if alarm.missing == "missing" else list(actions),
        period=alarm.period_seconds,
        statistic=None if percentile else alarm.statistic,
        threshold=value,
        treat_missing_data=alarm.missing,
    )


def threshold(alarm: Alarm, origin: Origin, bound: float) -> float:
    """Return an alarm's bound in the unit of its metric.

    Raises:
        DeadAlarmError: If the alarm's state could never change.
    """
    try:
        metric = find_metric(alarm.metric, kind=origin.kind, dimensions=origin.dimensions)
        value = metric.of(bound, alarm.unit, origin.machine)
        least, most = metric.bounds(alarm.statistic, origin.machine)
    except ValueError as error:
        raise DeadAlarmError(str(error)) from error
    if not metric.has(alarm.statistic):
        raise DeadAlarmError(f"{metric.name} has no {alarm.statistic}, only {', '.join(sorted(metric.statistics))}")
    dead = _dead(alarm.comparison, value, least, most)
    if dead is not None:
        raise DeadAlarmError(f"{alarm.comparison} {value:g} {dead}, since {metric.name} is from {least:g} to {most:g}")
    return int(value) if float(value).is_integer() else value


def _dead(comparison: str, threshold: float, least: float, most: float) -> str | None:
    """Say why an alarm's state could never change, if so."""
    never, always = {
        "GreaterThanThreshold": (threshold >= most, threshold < least),
        "GreaterThanOrEqualToThreshold": (threshold > most, threshold <= least),
        "LessThanThreshold": (threshold <= least, threshold > most),
    }[comparison]
    if never:
        return "could never fire"
    return "would never be over" if always else None
