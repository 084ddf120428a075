from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import are_seen
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class NoTraffic(Rule):
    """At least one variant takes traffic."""

    id = "NoTraffic"
    severity = Severity.ERROR
    consequence = "The endpoint is created and refuses every request that names no variant."
    mend = "give one variant a weight above 0"
    source = "SageMaker API reference, InitialVariantWeight, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find configs whose weights are all 0."""
        for config in template.of_kind(CONFIG):
            weights = [
                number(variant.at("InitialVariantWeight"))
                for variant in template.variants_of(config)
                if not variant.shadow
            ]
            if weights and all(weight == 0 for weight in weights) and are_seen(config):
                yield Violation(config, ("ProductionVariants",), "every weight is 0, so that no variant takes requests")
