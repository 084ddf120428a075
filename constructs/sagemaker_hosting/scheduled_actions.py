"""What the clock does to a scalable target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_applicationautoscaling as autoscaling

from slipway.specs.schedule import DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slipway.specs.async_parts import AsyncScaling
    from slipway.specs.scaling import AnyScaling
    from slipway.specs.schedule import Day, OffHours

MIDNIGHT: Final = "00:00"

_Target = autoscaling.CfnScalableTarget


def scheduled_actions(
    scaling: AnyScaling | AsyncScaling,
) -> list[autoscaling.CfnScalableTarget.ScheduledActionProperty] | None:
    """Describe the off hours of a fleet, and whatever else its spec schedules; None where there is neither."""
    actions = [*_off_hours(scaling)]
    actions += [_action(one.name, one.cron, one.timezone, one.min, one.max) for one in scaling.schedule]
    return actions or None


def _off_hours(scaling: AnyScaling | AsyncScaling) -> Iterator[autoscaling.CfnScalableTarget.ScheduledActionProperty]:
    off, count = scaling.off_hours, scaling.instances
    if off is None:
        return
    most = count.max if off.max is None else off.max
    yield _action("off hours begin", _begin(off), off.timezone, off.min, most)
    yield _action("off hours end", _end(off), off.timezone, count.min, count.max)


def _begin(off: OffHours) -> str:
    if off.start is not None:
        return _cron(off.start, off.days)
    # Days in a row begin once: at every other midnight the fleet already is what it should be.
    return _cron(MIDNIGHT, (day for day in off.days if _next(day, -1) not in off.days))


def _end(off: OffHours) -> str:
    if off.start is None or off.end is None:
        return _cron(MIDNIGHT, (_next(day) for day in off.days if _next(day) not in off.days))
    return _cron(off.end, off.days if off.end > off.start else (_next(day) for day in off.days))


def _next(day: Day, step: int = 1) -> Day:
    return DAYS[(DAYS.index(day) + step) % len(DAYS)]


def _cron(time: str, days: Iterable[Day]) -> str:
    hours, minutes = time.split(":")
    names = ",".join(day.upper() for day in sorted(days, key=DAYS.index))
    return f"{int(minutes)} {int(hours)} ? * {names} *"


def _action(
    name: str, cron: str, timezone: str, least: int, most: int
) -> autoscaling.CfnScalableTarget.ScheduledActionProperty:
    return _Target.ScheduledActionProperty(
        scalable_target_action=_Target.ScalableTargetActionProperty(max_capacity=most, min_capacity=least),
        schedule=f"cron({cron})",
        scheduled_action_name=name,
        timezone=timezone,
    )
