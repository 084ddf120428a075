from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import COMPONENT, is_serverless, production
from slipway.preflight.placing import host_of
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Resource, Template


class ComponentOnOther(Rule):
    """Inference components are placed on real-time endpoints whose variants host no model of their own."""

    id = "ComponentOnOther"
    severity = Severity.ERROR
    consequence = (
        "CreateInferenceComponent is refused ('Inference Components are not supported in this Endpoint'), and the "
        "stack rolls back."
    )
    mend = "remove ModelName from the variant, or the component"
    source = "ValidationException quoted in hashicorp/terraform-provider-aws#40644, read 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find components on other endpoints."""
        for component in template.of_kind(COMPONENT):
            config = host_of(template, component)
            kind = None if config is None else _other(template, config)
            if kind is not None:
                yield Violation(component, ("EndpointName",), f"the endpoint {kind} and takes no components")


def _other(template: Template, config: Resource) -> str | None:
    variants = production(template, config)
    if isinstance(config.at("AsyncInferenceConfig"), dict):
        return "is asynchronous"
    if any(is_serverless(variant) for variant in variants):
        return "is serverless"
    # A reference is text; what only a deployment knows may be nothing.
    hosting = variants and all(isinstance(variant.at("ModelName"), str) for variant in variants)
    return "hosts models of its own" if hosting else None
