from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

MOST: Final = 15


class TooManyContainers(Rule):
    """A model has at most fifteen containers."""

    id = "TooManyContainers"
    severity = Severity.ERROR
    consequence = "CreateModel is refused, and the stack rolls back."
    mend = "split the model"
    source = "SageMaker API reference, CreateModel: Containers, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models with more."""
        for model in template.of_kind(MODEL):
            others = model.at("Containers")
            if isinstance(others, list) and len(others) > MOST:
                yield Violation(
                    model, ("Containers",), f"{len(others)} containers are given and at most {MOST} are accepted"
                )
