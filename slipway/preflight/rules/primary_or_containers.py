from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL
from slipway.preflight.values import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class PrimaryOrContainers(Rule):
    """A model has one PrimaryContainer, or a list of Containers."""

    id = "PrimaryOrContainers"
    severity = Severity.ERROR
    consequence = "CreateModel is refused, and the stack rolls back."
    mend = "write PrimaryContainer for one container and Containers for several"
    source = "SageMaker Developer Guide, create a multi-container endpoint, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models with both or neither."""
        for model in template.of_kind(MODEL):
            primary, others = model.at("PrimaryContainer"), model.at("Containers")
            if (
                primary is not None
                and others not in (None, [])
                and not isinstance(others, Unknown)
                and not isinstance(primary, Unknown)
            ):
                yield Violation(model, ("Containers",), "Containers are given beside PrimaryContainer")
            elif primary is None and others in (None, []):
                yield Violation(model, ("PrimaryContainer",), "neither PrimaryContainer nor Containers are given")
