from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL, containers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ModelDataTwice(Rule):
    """The data of a model are named once, by ModelDataUrl or ModelDataSource."""

    id = "ModelDataTwice"
    severity = Severity.ERROR
    consequence = "CreateModel is refused, and the stack rolls back."
    mend = "keep ModelDataSource for files as they are, or ModelDataUrl for a .tar.gz"
    source = "SageMaker API reference, ContainerDefinition, 2026-11; that it is refused is inferred"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find containers with both."""
        for model in template.of_kind(MODEL):
            for path, container in containers(model):
                if isinstance(container.get("ModelDataUrl"), str) and isinstance(
                    container.get("ModelDataSource"), dict
                ):
                    yield Violation(model, (*path, "ModelDataUrl"), "ModelDataUrl is given beside ModelDataSource")
