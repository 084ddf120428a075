from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class DirectModeOfOne(Rule):
    """Direct mode is for a model with several containers."""

    id = "DirectModeOfOne"
    severity = Severity.WARNING
    consequence = "Every request has to name the one container, or is refused."
    mend = "remove InferenceExecutionConfig"
    source = "SageMaker Developer Guide, create a multi-container endpoint, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find it on models with one."""
        for model in template.of_kind(MODEL):
            others = model.at("Containers")
            alone = (
                model.at("PrimaryContainer") is not None
                if others is None
                else isinstance(others, list) and len(others) == 1
            )
            if alone and model.at("InferenceExecutionConfig", "Mode") == "Direct":
                yield Violation(
                    model,
                    ("InferenceExecutionConfig", "Mode"),
                    "Direct mode chooses between containers and there is one",
                )
