from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ScaledTwice(Rule):
    """One dimension of one resource is registered once."""

    id = "ScaledTwice"
    severity = Severity.ERROR
    consequence = "The second is refused as existing already, or overwrites the bounds of the first: which is a guess."
    mend = "keep one target, and give it all policies and scheduled actions"
    source = "Application Auto Scaling API reference, RegisterScalableTarget, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find targets that another one has registered."""
        first: dict[tuple[str, str], str] = {}
        for place in targets(template):
            if place.resource_id is None or place.dimension is None or not template.is_certain(place.resource):
                continue
            earlier = first.setdefault((place.resource_id, place.dimension), place.resource.logical_id)
            if earlier != place.resource.logical_id:
                yield Violation(place.resource, ("ResourceId",), f"'{earlier}' has registered the same")
