from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import COMPONENT
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ComponentSpecifications(Rule):
    """An inference component has one of Specification and Specifications."""

    id = "ComponentSpecifications"
    severity = Severity.ERROR
    consequence = "CreateInferenceComponent is refused, and the stack rolls back."
    mend = "keep Specification, or write Specifications for each instance type"
    source = "botocore, CreateInferenceComponent: either parameter, but not both, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find components with both or neither."""
        for component in template.of_kind(COMPONENT):
            one, many = component.at("Specification"), component.at("Specifications")
            if isinstance(one, dict) and isinstance(many, list):
                yield Violation(component, ("Specifications",), "both Specification and Specifications are given")
            elif one is None and many is None and "Fn::Transform" not in component.properties:
                message = "neither Specification nor Specifications is given"
                yield Violation(component, ("Specification",), message)
