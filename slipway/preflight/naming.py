"""Where one resource of hosting names another."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.hosting import COMPONENT
from slipway.preflight.scaling import targets
from slipway.preflight.template import CONFIG, ENDPOINT, MODEL
from slipway.preflight.watching import watches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Resource, Template

NAMES: Final = {
    MODEL: "ModelName",
    CONFIG: "EndpointConfigName",
    ENDPOINT: "EndpointName",
    COMPONENT: "InferenceComponentName",
}
"""The property, and attribute, that holds a resource's name."""
DIMENSIONS: Final = {key: kind for kind, key in NAMES.items() if kind != MODEL}
Place = tuple["Resource", "Path", str, str | None]
"""Where a name stands, what is written there, and the type that is wanted; None where the name is a part of it."""


@lru_cache(maxsize=1)
def places(template: Template) -> tuple[Place, ...]:
    """Every place where a model, a config, an endpoint or a component is named."""
    found: list[tuple[Resource, Path, Any, str | None]] = [
        (endpoint, ("EndpointConfigName",), endpoint.at("EndpointConfigName"), CONFIG)
        for endpoint in template.of_kind(ENDPOINT)
    ]
    found += [(each.config, (*each.path, "ModelName"), each.at("ModelName"), MODEL) for each in template.variants()]
    for component in template.of_kind(COMPONENT):
        model = ("Specification", "ModelName")
        found += [
            (component, ("EndpointName",), component.at("EndpointName"), ENDPOINT),
            (component, model, component.at(*model), MODEL),
        ]
    found += [(place.resource, ("ResourceId",), place.resource_id, None) for place in targets(template)]
    found += _dimensions(template)
    return tuple((resource, path, value, kind) for resource, path, value, kind in found if isinstance(value, str))


def _dimensions(template: Template) -> Iterator[tuple[Resource, Path, Any, str]]:
    for watch in watches(template):
        for key, kind in DIMENSIONS.items():
            yield watch.resource, (*watch.path, "Dimensions"), (watch.dimensions or {}).get(key), kind
