from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import COMPONENT, config_of, endpoint_named, lacks_variant
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ComponentOnUnknownVariant(Rule):
    """An inference component is placed on a variant that its endpoint has."""

    id = "ComponentOnUnknownVariant"
    severity = Severity.ERROR
    consequence = "CreateInferenceComponent is refused, and the stack rolls back."
    mend = "name a variant of the endpoint's config"
    source = "SageMaker API reference, CreateInferenceComponent: VariantName, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find variants that the endpoint has not."""
        for component in template.of_kind(COMPONENT):
            endpoint, name = endpoint_named(template, component.at("EndpointName")), component.at("VariantName")
            config = None if endpoint is None else config_of(template, endpoint)
            if config is not None and lacks_variant(template, config, name):
                names = [str(variant.at("VariantName")) for variant in template.variants_of(config)]
                message = f"the endpoint has no variant '{name}'{did_you_mean(name, names)}: it has {', '.join(names)}"
                yield Violation(component, ("VariantName",), message)
