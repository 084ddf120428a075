from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL, containers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ContainerWithoutImage(Rule):
    """A container names its image, or the model package that has one."""

    id = "ContainerWithoutImage"
    severity = Severity.ERROR
    consequence = "CreateModel is refused, and the stack rolls back."
    mend = "set Image or ModelPackageName"
    source = "SageMaker API reference, ContainerDefinition, 2026-11; that it is refused is inferred"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find containers with neither."""
        for model in template.of_kind(MODEL):
            for path, container in containers(model):
                if container.get("Image") is None and container.get("ModelPackageName") is None:
                    yield Violation(model, path, "neither Image nor ModelPackageName is given")
