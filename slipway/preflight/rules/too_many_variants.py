from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

MOST: Final = 10


class TooManyVariants(Rule):
    """An endpoint config has at most ten variants."""

    id = "TooManyVariants"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "split the endpoint"
    source = "SageMaker API reference, CreateEndpointConfig: ProductionVariants, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find configs with more."""
        for config in template.of_kind(CONFIG):
            count = sum(not variant.shadow for variant in template.variants_of(config))
            if count > MOST:
                yield Violation(
                    config, ("ProductionVariants",), f"{count} variants are given and at most {MOST} are accepted"
                )
