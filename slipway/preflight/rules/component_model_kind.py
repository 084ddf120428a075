from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import COMPONENT, kind_of_model
from slipway.preflight.placing import specifications
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ComponentModelKind(Rule):
    """An inference component hosts a model of one container, which holds one model."""

    id = "ComponentModelKind"
    severity = Severity.WARNING
    consequence = "CreateInferenceComponent is refused, or only one of the containers runs."
    mend = "place each container or model as a component of its own"
    source = (
        "SageMaker API reference, CreateInferenceComponent: each contains one model; what happens to others is a "
        "guess, 2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find components of other models."""
        for component in template.of_kind(COMPONENT):
            for path, each in specifications(component):
                model = template.named(MODEL, each.get("ModelName"), key="ModelName")
                kind = None if model is None else kind_of_model(model)
                if kind not in (None, "realtime"):
                    message = f"the model is {kind} and a component hosts one model"
                    yield Violation(component, (*path, "ModelName"), message)
