from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import are_seen
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ShadowBesideSeveral(Rule):
    """A shadow variant stands beside exactly one production variant, and is the only one."""

    id = "ShadowBesideSeveral"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "keep one production variant and one shadow variant"
    source = "SageMaker API reference, CreateEndpointConfig: ShadowProductionVariants, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find configs with more of either."""
        for config in template.of_kind(CONFIG):
            variants = list(template.variants_of(config))
            shadows = sum(variant.shadow for variant in variants)
            others = len(variants) - shadows
            if shadows and (shadows, others) != (1, 1) and are_seen(config):
                message = f"{shadows} shadow variants stand beside {others} variants and one beside one is accepted"
                yield Violation(config, ("ShadowProductionVariants",), message)
