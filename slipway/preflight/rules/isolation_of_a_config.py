from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class IsolationOfAConfig(Rule):
    """An endpoint config isolates inference components; models are isolated each by itself."""

    id = "IsolationOfAConfig"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "write EnableNetworkIsolation at the model"
    source = "terraform-provider-aws, pull request 48738: the API takes it for inference components alone, 2026-07"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find configs that isolate and name a model."""
        for config in template.of_kind(CONFIG):
            isolated = str(config.at("EnableNetworkIsolation")).lower() == "true"
            if isolated and any(isinstance(variant.at("ModelName"), str) for variant in template.variants_of(config)):
                message = "the config isolates inference components and its variants name models"
                yield Violation(config, ("EnableNetworkIsolation",), message)
