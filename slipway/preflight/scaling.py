"""Scalable targets: what of which resource they change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.hosting import component_named, config_of, endpoint_named, kind_of, variant_named
from slipway.preflight.template import number

if TYPE_CHECKING:
    from slipway.preflight.template import Path, Resource, Template, Variant

TARGET: Final = "AWS::ApplicationAutoScaling::ScalableTarget"
INSTANCES: Final = "sagemaker:variant:DesiredInstanceCount"
WARM: Final = "sagemaker:variant:DesiredProvisionedConcurrency"
COPIES: Final = "sagemaker:inference-component:DesiredCopyCount"
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


def least(place: Place) -> float | None:
    """Return the least capacity of a target."""
    return number(place.resource.at("MinCapacity"))


def actions_of(place: Place) -> list[tuple[Path, dict[str, Any]]]:
    """Return the scheduled actions of a target, and where they stand."""
    listed = place.resource.at("ScheduledActions")
    return [
        (("ScheduledActions", index), action)
        for index, action in enumerate(listed if isinstance(listed, list) else [])
        if isinstance(action, dict)
    ]
