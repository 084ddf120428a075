from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.naming import NAMES, places
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.spelling import meant
from slipway.preflight.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class NameMisspelt(Rule):
    """A model, config or endpoint that another resource names is spelt as where it is defined."""

    id = "NameMisspelt"
    severity = Severity.ERROR
    consequence = "SageMaker finds nothing of that name, and the stack rolls back."
    mend = "refer to the resource instead of writing its name"
    source = "SageMaker API reference, CreateEndpoint, CreateEndpointConfig, CreateInferenceComponent, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find names that differ by a slip from one that the template defines."""
        for resource, path, value, kind in places(template):
            if kind is None or not resource.kind.startswith("AWS::SageMaker::") or not is_known(value):
                continue
            near = meant(value, template.given_names(kind, NAMES[kind]))
            if near is not None:
                yield Violation(resource, path, f"there is no '{value}' here, did you mean '{near}'?")
