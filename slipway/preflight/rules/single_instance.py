from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class SingleInstance(Rule):
    """A fleet has an instance in more than one zone."""

    id = "SingleInstance"
    severity = Severity.WARNING
    consequence = "Every request fails while the one machine, or its zone, is down or being replaced."
    mend = "start with two instances, or scale from two"
    source = "Security Hub SageMaker.4, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find fleets of one that nothing scales above it."""
        for variant in template.variants():
            if number(variant.at("InitialInstanceCount")) == 1 and variant.config.at("AsyncInferenceConfig") is None:
                message = "one instance is all that answers for this variant"
                yield Violation(variant.config, (*variant.path, "InitialInstanceCount"), message)
