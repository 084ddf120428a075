from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import is_serverless
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ScalingNeedsComponents(Rule):
    """Managed instance scaling is for variants whose models are inference components."""

    id = "ScalingNeedsComponents"
    severity = Severity.ERROR
    consequence = (
        "CreateEndpointConfig is refused ('ManagedInstanceScaling is only supported for inference component "
        "endpoints'), and the stack rolls back."
    )
    mend = (
        "remove ManagedInstanceScaling and scale the variant with a scalable target, or place the model as a component"
    )
    source = "ValidationException quoted in hashicorp/terraform-provider-aws#45926, read 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find variants that have a model of their own and managed scaling."""
        for variant in template.variants():
            bounds, model = variant.at("ManagedInstanceScaling"), variant.at("ModelName")
            if isinstance(bounds, dict) and isinstance(model, str) and not is_serverless(variant):
                message = "the variant hosts a model of its own and managed scaling is for inference components"
                yield Violation(variant.config, (*variant.path, "ManagedInstanceScaling"), message)
