"""Scalable targets and their policies: what they change, and who calls them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.alarming import ALARM, COMPOSITE, actions, linked
from slipway.preflight.hosting import component_named, config_of, endpoint_named, kind_of, variant_named
from slipway.preflight.template import number
from slipway.preflight.values import LINK
from slipway.preflight.watching import POLICY

if TYPE_CHECKING:
    from slipway.preflight.template import Path, Resource, Template, Variant

TARGET: Final = "AWS::ApplicationAutoScaling::ScalableTarget"
INSTANCES: Final = "sagemaker:variant:DesiredInstanceCount"
WARM: Final = "sagemaker:variant:DesiredProvisionedConcurrency"
COPIES: Final = "sagemaker:inference-component:DesiredCopyCount"
STEPS: Final = "StepScalingPolicyConfiguration"
OF_VARIANT: Final = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")
OF_COMPONENT: Final = re.compile(r"inference-component/([^/]+)")
BEGINNINGS: Final = ("endpoint/", "inference-component/", "sagemaker:")


@dataclass(frozen=True)
class Place:
    """What a scalable target, or a policy, is about, as far as the template holds it.

    Args:
        resource: The target or the policy.
        resource_id: As it was written; None where it is not known.
        dimension: What is changed; None where it is not known.
        variant_name: That the id names.
        endpoint: That the id names.
        config: Of the endpoint.
        variant: That the id names.
        component: That the id names.
        kind: Of the endpoint, in the words of ``slipway.catalog.metrics``.
    """

    resource: Resource
    resource_id: str | None
    dimension: str | None
    variant_name: str | None
    endpoint: Resource | None
    config: Resource | None
    variant: Variant | None
    component: Resource | None
    kind: str | None


@lru_cache(maxsize=1)
def targets(template: Template) -> tuple[Place, ...]:
    """Every scalable target of hosting."""
    places = (place_of(template, target, target.properties) for target in template.of_kind(TARGET))
    return tuple(place for place in places if place is not None)


def place_of(template: Template, resource: Resource, settings: dict[str, Any]) -> Place | None:
    """Return what a target, or a policy that names it itself, is about; None where it is not about hosting."""
    resource_id, dimension = settings.get("ResourceId"), settings.get("ScalableDimension")
    texts = [each for each in (resource_id, dimension) if isinstance(each, str)]
    if settings.get("ServiceNamespace") != "sagemaker" and not any(each.startswith(BEGINNINGS) for each in texts):
        return None
    resource_id = resource_id if isinstance(resource_id, str) else None
    dimension = dimension if isinstance(dimension, str) else None
    of_variant, of_component = OF_VARIANT.fullmatch(resource_id or ""), OF_COMPONENT.fullmatch(resource_id or "")
    component = component_named(template, of_component[1]) if of_component else None
    endpoint = endpoint_named(template, of_variant[1]) if of_variant else None
    config = None if endpoint is None else config_of(template, endpoint)
    return Place(
        resource=resource,
        resource_id=resource_id,
        dimension=dimension,
        variant_name=of_variant[2] if of_variant else None,
        endpoint=endpoint,
        config=config,
        variant=variant_named(template, config, of_variant[2]) if config and of_variant else None,
        component=component,
        kind=None if config is None else kind_of(template, config),
    )


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


def callers_of(template: Template, policy: Resource) -> list[Resource]:
    """Return the alarms that call a policy."""
    return _callers(template).get(policy.logical_id, [])


def steps_of(policy: Resource) -> list[dict[str, Any]]:
    """Return the step adjustments of a policy."""
    steps = policy.at(STEPS, "StepAdjustments")
    return [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []


def least(place: Place) -> float | None:
    """Return the least capacity of a target."""
    return number(place.resource.at("MinCapacity"))


def is_step(policy: Resource) -> bool:
    """Return whether alarms call a policy."""
    return isinstance(policy.at(STEPS), dict)


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
        called = [*actions(alarm), *actions(alarm, "OKActions"), *actions(alarm, "InsufficientDataActions")]
        for action in called:
            for match in LINK.finditer(action) if isinstance(action, str) else ():
                found.setdefault(match[1], []).append(alarm)
    return found


def actions_of(place: Place) -> list[tuple[Path, dict[str, Any]]]:
    """Return the scheduled actions of a target, and where they stand."""
    listed = place.resource.at("ScheduledActions")
    return [
        (("ScheduledActions", index), action)
        for index, action in enumerate(listed if isinstance(listed, list) else [])
        if isinstance(action, dict)
    ]


def intervals_of(policy: Resource) -> list[tuple[float, float]] | None:
    """Return the ranges of a policy's steps, counted from the alarm's threshold; None where one is not known."""
    found = []
    for step in steps_of(policy):
        bounds = [step.get("MetricIntervalLowerBound"), step.get("MetricIntervalUpperBound")]
        known = [number(bound) for bound in bounds]
        if any(bound is not None and value is None for bound, value in zip(bounds, known, strict=True)):
            return None
        lower, upper = known
        found.append((float("-inf") if lower is None else lower, float("inf") if upper is None else upper))
    return found
