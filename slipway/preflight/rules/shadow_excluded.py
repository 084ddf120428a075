from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import kind_of_model, model_of
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template, Variant


class ShadowExcluded(Rule):
    """A shadow variant stands on a real-time endpoint of one container, without Inf1."""

    id = "ShadowExcluded"
    severity = Severity.ERROR
    consequence = "The shadow is refused with a validation error, and the stack rolls back."
    mend = "remove the shadow variant, or what excludes it"
    source = "SageMaker Developer Guide, shadow-tests-exclusions, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find shadows beside features that exclude them."""
        for config in template.of_kind(CONFIG):
            shadows = [variant for variant in template.variants_of(config) if variant.shadow]
            if shadows and isinstance(config.at("AsyncInferenceConfig"), dict):
                message = "the endpoint is asynchronous and can have no shadow"
                yield Violation(config, ("ShadowProductionVariants",), message)
            for variant in template.variants_of(config) if shadows else ():
                for key, what in _excluded(template, variant):
                    yield Violation(config, (*variant.path, key), f"{what} can have no shadow and be none")


def _excluded(template: Template, variant: Variant) -> Iterator[tuple[str, str]]:
    model = model_of(template, variant)
    kind = None if model is None else kind_of_model(model)
    if kind not in (None, "realtime"):
        yield "ModelName", f"a {kind} model"
    if str(variant.at("InstanceType")).startswith("ml.inf1."):
        yield "InstanceType", "a variant on Inf1"
