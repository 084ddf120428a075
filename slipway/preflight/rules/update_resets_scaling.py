from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import INSTANCES, targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.scaling import Place
    from slipway.preflight.template import Template


class UpdateResetsScaling(Rule):
    """An endpoint whose variants are scaled says whether an update keeps their counts."""

    id = "UpdateResetsScaling"
    severity = Severity.WARNING
    consequence = "Every update sets the counts and weights back to those of the config, under load too."
    mend = "set RetainAllVariantProperties: true keeps them, false says that it is meant"
    source = "SageMaker API reference, UpdateEndpoint: RetainAllVariantProperties, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find endpoints that leave it open."""
        scaled = [place.endpoint for place in targets(template) if _has_instances(place)]
        for endpoint in {each.logical_id: each for each in scaled if each is not None}.values():
            if endpoint.at("RetainAllVariantProperties") is None:
                message = "variants are scaled, and an update sets them back to what the config says"
                yield Violation(endpoint, ("RetainAllVariantProperties",), message)


def _has_instances(place: Place) -> bool:
    serverless = place.variant is not None and place.variant.at("ServerlessConfig") is not None
    return place.dimension == INSTANCES and not serverless
