from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.hosting import production
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG
from slipway.preflight.values import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template, Variant

FREE: Final = {"InitialInstanceCount", "InitialVariantWeight", "VariantName"}
"""Settings in which a shadow may differ and still compare a model with itself."""


class ShadowOfItself(Rule):
    """A shadow variant differs from the variant that it shadows."""

    id = "ShadowOfItself"
    severity = Severity.WARNING
    consequence = "Twice the machines are paid for, and the comparison of a model with itself shows nothing."
    mend = "give the shadow another model, type or setting"
    source = "SageMaker Developer Guide, shadow tests, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find shadows that are what they shadow."""
        for config in template.of_kind(CONFIG):
            known = [_compared(variant.settings) for variant in production(template, config)]
            for variant in template.variants_of(config):
                if variant.shadow and _is_seen(variant) and _compared(variant.settings) in known:
                    message = "the shadow has the model and the machine of the variant that it shadows"
                    yield Violation(config, variant.path, message)


def _compared(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in FREE}


def _is_seen(variant: Variant) -> bool:
    return isinstance(variant.at("ModelName"), str) and not any(
        isinstance(value, Unknown) for value in variant.settings.values()
    )
