"""Scaling policies: which target they change, by which steps, and who calls them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.alarming import ALARM, CALLS, COMPOSITE, actions, linked
from slipway.preflight.scaling import TARGET, targets
from slipway.preflight.template import number
from slipway.preflight.values import LINK, Unknown, holds_unknown
from slipway.preflight.watching import POLICY

if TYPE_CHECKING:
    from slipway.preflight.scaling import Place
    from slipway.preflight.template import Resource, Template

STEPS: Final = "StepScalingPolicyConfiguration"


def policies_of(template: Template, target: Place) -> list[Resource]:
    """Return the policies that change a target."""
    return _by_target(template).get(target.resource.logical_id, [])


def target_of(template: Template, policy: Resource) -> Place | None:
    """Return the target that a policy changes, if the template holds it."""
    by_id, by_place = _registered(template)
    named = policy.at("ScalingTargetId")
    if isinstance(named, str):
        resource_id, dimension, *_ = [*named.split("|"), ""]
        return by_id.get(linked(named) or "") or by_place.get((resource_id, dimension))
    settings = (policy.at("ResourceId"), policy.at("ScalableDimension"))
    if all(isinstance(each, str) for each in settings):
        return by_place.get(settings)
    return None


@lru_cache(maxsize=1)
def registering_is_seen(template: Template) -> bool:
    """Return whether it is known what every target and every policy is about."""
    places = [*template.of_kind(POLICY), *template.of_kind(TARGET)]
    keys = ("ScalingTargetId", "ResourceId", "ScalableDimension")
    return not any(isinstance(place.at(key), Unknown) for place in places for key in keys)


def callers_of(template: Template, policy: Resource) -> list[Resource]:
    """Return the alarms that call a policy."""
    return _callers(template).get(policy.logical_id, [])


def is_step(policy: Resource) -> bool:
    """Return whether alarms call a policy."""
    return isinstance(policy.at(STEPS), dict)


def steps_of(policy: Resource) -> list[dict[str, Any]]:
    """Return the step adjustments of a policy."""
    steps = policy.at(STEPS, "StepAdjustments")
    return [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []


def intervals_of(policy: Resource) -> list[tuple[float, float]] | None:
    """Return the ranges of a policy's steps, counted from the alarm's threshold; None where one is not known."""
    found = []
    if holds_unknown(policy.at(STEPS, "StepAdjustments")):
        return None
    for step in steps_of(policy):
        bounds = [step.get("MetricIntervalLowerBound"), step.get("MetricIntervalUpperBound")]
        known = [number(bound) for bound in bounds]
        if any(bound is not None and value is None for bound, value in zip(bounds, known, strict=True)):
            return None
        lower, upper = known
        found.append((float("-inf") if lower is None else lower, float("inf") if upper is None else upper))
    return found


@lru_cache(maxsize=1)
def _registered(template: Template) -> tuple[dict[str, Place], dict[tuple[Any, Any], Place]]:
    places = targets(template)
    by_id = {place.resource.logical_id: place for place in places}
    return by_id, {(place.resource_id, place.dimension): place for place in places}


@lru_cache(maxsize=1)
def _by_target(template: Template) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for policy in template.of_kind(POLICY):
        target = target_of(template, policy)
        if target is not None:
            found.setdefault(target.resource.logical_id, []).append(policy)
    return found


@lru_cache(maxsize=1)
def _callers(template: Template) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for alarm in template.of_kind(ALARM, COMPOSITE):
        for action in [action for key in CALLS for action in actions(alarm, key)]:
            for match in LINK.finditer(action) if isinstance(action, str) else ():
                found.setdefault(match[1], []).append(alarm)
    return found
