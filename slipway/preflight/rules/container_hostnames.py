from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

SEVERAL: Final = 2


class ContainerHostnames(Rule):
    """Containers that are called by name each have one of their own."""

    id = "ContainerHostnames"
    severity = Severity.ERROR
    consequence = "CreateModel is refused, and the stack rolls back."
    mend = "give every container a ContainerHostname of its own"
    source = "SageMaker Developer Guide, create a multi-container endpoint; API reference, ContainerDefinition, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find names that are missing, or there twice."""
        for model in template.of_kind(MODEL):
            others = model.at("Containers")
            if not isinstance(others, list) or len(others) < SEVERAL:
                continue
            names = [value_at(each, ("ContainerHostname",)) for each in others]
            known = [name for name in names if isinstance(name, str)]
            if len(set(known)) < len(known):
                yield Violation(model, ("Containers",), "two containers have the same ContainerHostname")
            elif None in names and model.at("InferenceExecutionConfig", "Mode") == "Direct":
                yield Violation(
                    model, ("Containers", names.index(None)), "Direct mode calls containers by name and this has none"
                )
            elif None in names and known:
                yield Violation(
                    model,
                    ("Containers", names.index(None)),
                    "other containers have a ContainerHostname and this has none",
                )
