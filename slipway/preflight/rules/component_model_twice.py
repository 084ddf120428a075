from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import COMPONENT
from slipway.preflight.placing import specifications
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import value_at
from slipway.preflight.values import is_there

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ComponentModelTwice(Rule):
    """An inference component takes its container from a model, or describes it, not both."""

    id = "ComponentModelTwice"
    severity = Severity.WARNING
    consequence = "Two images are named for one container, and the template does not say which of them runs."
    mend = "remove ModelName, or Container.Image"
    source = (
        "SageMaker API reference, InferenceComponentSpecification; which of the two wins is not documented, 2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find components that name a model and an image."""
        for component in template.of_kind(COMPONENT):
            for path, each in specifications(component):
                if is_there(each.get("ModelName")) and is_there(value_at(each, ("Container", "Image"))):
                    yield Violation(component, (*path, "Container", "Image"), "a model is named and an image beside it")
