from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG
from slipway.preflight.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class VariantNamedTwice(Rule):
    """The variants of a config, shadows too, have different names."""

    id = "VariantNamedTwice"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, and the stack rolls back."
    mend = "give each variant a name of its own"
    source = "SageMaker API reference, ProductionVariant: VariantName, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find names that another variant of the config has."""
        for config in template.of_kind(CONFIG):
            seen: set[str] = set()
            for variant in template.variants_of(config):
                name = variant.at("VariantName")
                if isinstance(name, str) and is_known(name):
                    if name in seen:
                        yield Violation(config, (*variant.path, "VariantName"), f"another variant is named '{name}'")
                    seen.add(name)
