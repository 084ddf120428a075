from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import COPIES, INSTANCES, WARM, targets
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.scaling import Place
    from slipway.preflight.template import Path, Resource, Template


class InitialCountOutsideBounds(Rule):
    """What an endpoint begins with lies within what it is scaled between."""

    id = "InitialCountOutsideBounds"
    severity = Severity.WARNING
    consequence = "The fleet changes as soon as it is registered, and again after every update of the endpoint."
    mend = "begin within MinCapacity and MaxCapacity"
    source = "Application Auto Scaling API reference, RegisterScalableTarget, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find counts outside."""
        for place in targets(template):
            lower, upper = (number(place.resource.at(key)) for key in ("MinCapacity", "MaxCapacity"))
            resource, path, written = _begins_with(place)
            count = number(written)
            if resource is None or count is None or lower is None or upper is None or lower > upper:
                continue
            if not lower <= count <= upper:
                message = f"{count:g} to begin with, and '{place.resource.logical_id}' keeps {lower:g} to {upper:g}"
                yield Violation(resource, path, message)


def _begins_with(place: Place) -> tuple[Resource | None, Path, Any]:
    variant, component = place.variant, place.component
    if variant is not None and place.dimension == INSTANCES:
        return variant.config, (*variant.path, "InitialInstanceCount"), variant.at("InitialInstanceCount")
    if variant is not None and place.dimension == WARM:
        path = ("ServerlessConfig", "ProvisionedConcurrency")
        return variant.config, (*variant.path, *path), variant.at(*path)
    if component is not None and place.dimension == COPIES:
        return component, ("RuntimeConfig", "CopyCount"), component.at("RuntimeConfig", "CopyCount")
    return None, (), None
