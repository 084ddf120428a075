from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import COMPONENT, lacks_variant
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import OF_COMPONENT, OF_VARIANT, targets
from slipway.preflight.spelling import meant
from slipway.preflight.template import ENDPOINT
from slipway.preflight.values import is_known
from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.scaling import Place
    from slipway.preflight.template import Template


class ScalableTargetDangles(Rule):
    """What is registered for scaling exists: the endpoint and its variant, or the inference component."""

    id = "ScalableTargetDangles"
    severity = Severity.ERROR
    consequence = "RegisterScalableTarget is refused, since there is no such variant, and the stack rolls back."
    mend = "name a variant of the endpoint's config, or a component, as it is spelt there"
    source = "Application Auto Scaling API reference, RegisterScalableTarget: ResourceId, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find variants that the endpoint has not, and names that differ by a slip."""
        for place in targets(template):
            why = _unknown_variant(template, place) or _misspelt(template, place)
            if why is not None:
                yield Violation(place.resource, ("ResourceId",), why)


def _unknown_variant(template: Template, place: Place) -> str | None:
    if place.config is None or not lacks_variant(template, place.config, place.variant_name):
        return None
    names = [str(variant.at("VariantName")) for variant in template.variants_of(place.config)]
    near = did_you_mean(str(place.variant_name), names)
    return f"the endpoint has no variant '{place.variant_name}'{near}: it has {', '.join(names)}"


def _misspelt(template: Template, place: Place) -> str | None:
    of_variant = OF_VARIANT.fullmatch(place.resource_id or "")
    of_component = OF_COMPONENT.fullmatch(place.resource_id or "")
    if of_variant is not None and is_known(of_variant[1]):
        name, names = of_variant[1], template.given_names(ENDPOINT, "EndpointName")
    elif of_component is not None and is_known(of_component[1]):
        name, names = of_component[1], template.given_names(COMPONENT, "InferenceComponentName")
    else:
        return None
    near = meant(name, names)
    return None if near is None else f"there is no '{name}' here, did you mean '{near}'?"
