"""Alarms as rules see them: who is called, which alarm is meant, and what a composite one looks at."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.hosting import COMPONENT
from slipway.preflight.rollouts import BLUE_GREEN, ROLLING, ROUTING
from slipway.preflight.template import ENDPOINT, number
from slipway.preflight.values import LINK, Named, Unknown, holds_unknown, is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Resource, Template

ALARM: Final = "AWS::CloudWatch::Alarm"
COMPOSITE: Final = "AWS::CloudWatch::CompositeAlarm"
ROLLBACK: Final = ("DeploymentConfig", "AutoRollbackConfiguration", "Alarms")
CALLS: Final = ("AlarmActions", "OKActions", "InsufficientDataActions")
WAIT: Final = "WaitIntervalInSeconds"
MENTION: Final = re.compile(r"\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:\"([^\"]*)\"|'([^']*)'|([^\"')]*?))\s*\)")
ARN: Final = re.compile(r"arn:[^:]*:cloudwatch:[^:]*:[^:]*:alarm:(.+)")


def actions(alarm: Resource, key: str = "AlarmActions") -> list[Any]:
    """Return who is called when an alarm fires."""
    called = alarm.at(key)
    return called if isinstance(called, list) else []


def alarm_named(template: Template, name: Any) -> Resource | None:
    """Return the alarm, composite or not, that a value names by reference, name or ARN, if the template holds it."""
    if isinstance(name, str) and (match := ARN.fullmatch(name)):
        name = match[1]
    for kind in (ALARM, COMPOSITE):
        found = template.named(kind, name, key="AlarmName")
        if found is not None:
            return found
    return None


@lru_cache(maxsize=1)
def alarm_names(template: Template) -> tuple[str, ...]:
    """Every name that an alarm of the template was given."""
    names = [each.at("AlarmName") for each in template.of_kind(ALARM, COMPOSITE)]
    return tuple(name for name in names if isinstance(name, str) and is_known(name))


def looked_at(composite: Resource) -> list[str]:
    """Return the alarms that a composite alarm's rule names, as it names them."""
    rule = composite.at("AlarmRule")
    return [match[1] or match[2] or match[3] or "" for match in MENTION.finditer(rule)] if isinstance(rule, str) else []


def rollback_alarms(rolled: Resource) -> Iterator[tuple[Path, Any]]:
    """Yield the names of the alarms that call back the rollout of an endpoint, or a component, and where they stand."""
    listed = rolled.at(*ROLLBACK)
    for index, alarm in enumerate(listed if isinstance(listed, list) else []):
        name = alarm.get("AlarmName") if isinstance(alarm, dict) else None
        if isinstance(name, str):
            yield (*ROLLBACK, index, "AlarmName"), name


@lru_cache(maxsize=1)
def minded(template: Template) -> frozenset[str]:
    """The logical ids of alarms that a rollout or a composite alarm minds."""
    names = [name for rolled in template.of_kind(ENDPOINT, COMPONENT) for _, name in rollback_alarms(rolled)]
    names += [name for composite in template.of_kind(COMPOSITE) for name in looked_at(composite)]
    return frozenset(found.logical_id for name in names if (found := alarm_named(template, name)) is not None)


@lru_cache(maxsize=1)
def minding_is_seen(template: Template) -> bool:
    """Return whether it is known which alarms every rollout and every composite alarm mind."""
    rolled = [each.at("DeploymentConfig") for each in template.of_kind(ENDPOINT, COMPONENT)]
    rules = [each.at("AlarmRule") for each in template.of_kind(COMPOSITE)]
    return not holds_unknown([*rolled, *rules])


@lru_cache(maxsize=1)
def calling_is_seen(template: Template) -> bool:
    """Return whether it is known which policies of the template every alarm calls; a parameter names none of them."""
    called = [alarm.at(key) for alarm in template.of_kind(ALARM, COMPOSITE) for key in CALLS]
    each = [one for listed in called for one in (listed if isinstance(listed, list) else [listed])]
    return not any(isinstance(one, Unknown) and not (isinstance(one, Named) and one.is_parameter) for one in each)


def parts_of(template: Template, name: Any) -> list[Resource]:
    """Return the metric alarms behind a name: the alarm itself, or those that a composite one names."""
    found = alarm_named(template, name)
    if found is None or found.kind == ALARM:
        return [] if found is None else [found]
    inner = [alarm_named(template, each) for each in looked_at(found)]
    return [each for each in inner if each is not None and each.kind == ALARM]


def linked(value: Any) -> str | None:
    """Return the logical id of the resource that a value is a reference to, and nothing else."""
    match = LINK.fullmatch(value) if isinstance(value, str) else None
    return None if match is None else match[1]


def seconds_to_fire(alarm: Resource) -> float | None:
    """Return how long a metric must be on the wrong side before an alarm fires; None where that is not known."""
    period, periods = number(alarm.at("Period")), number(alarm.at("EvaluationPeriods"))
    datapoints = alarm.at("DatapointsToAlarm")
    needed = periods if datapoints is None else number(datapoints)
    if period is None or needed is None or isinstance(datapoints, Unknown):
        return None
    return period * needed


def baking_seconds(endpoint: Resource) -> float | None:
    """Return for how long a rollout minds its alarms while the new fleet answers; None where that is not known."""
    if isinstance(endpoint.at(*ROLLING), dict):
        size, wait, ending = endpoint.at(*ROLLING, "MaximumBatchSize"), endpoint.at(*ROLLING, WAIT), 0
    else:
        size, wait = endpoint.at(*ROUTING, "LinearStepSize"), endpoint.at(*ROUTING, WAIT)
        ending = endpoint.at(*BLUE_GREEN, "TerminationWaitInSeconds") or 0
    seconds, more, steps = number(wait), number(ending), 1.0 if size is None else _steps(size)
    return None if seconds is None or more is None or steps is None else steps * seconds + more


def _steps(size: Any) -> float | None:
    share = number(size.get("Value")) if isinstance(size, dict) and size.get("Type") == "CAPACITY_PERCENT" else None
    return None if share is None or share <= 0 else math.ceil(100 / share)
