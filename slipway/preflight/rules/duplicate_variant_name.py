from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class DuplicateVariantName(Rule):
    """The variants of a config have different names."""

    id = "DuplicateVariantName"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "name them differently"
    source = "SageMaker API reference, ProductionVariant: VariantName; that a name twice is refused is a guess, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find names that are given twice."""
        for config in template.of_kind(CONFIG):
            seen: set[str] = set()
            for variant in template.variants_of(config):
                name = variant.at("VariantName")
                if isinstance(name, str) and name in seen:
                    message = f"'{name}' is the name of another variant of this config"
                    yield Violation(config, (*variant.path, "VariantName"), message)
                seen |= {name} if isinstance(name, str) else set()
