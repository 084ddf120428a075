from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL, containers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class MultiModelDataSource(Rule):
    """A multi-model container names its archives with ModelDataUrl."""

    id = "MultiModelDataSource"
    severity = Severity.ERROR
    consequence = "CreateModel is refused, and the stack rolls back."
    mend = "write the prefix into ModelDataUrl, ending in /"
    source = "SageMaker API reference, ContainerDefinition: ModelDataSource not with multi-model endpoints, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find multi-model containers with ModelDataSource."""
        for model in template.of_kind(MODEL):
            for path, container in containers(model):
                if container.get("Mode") == "MultiModel" and isinstance(container.get("ModelDataSource"), dict):
                    message = "a multi-model container takes ModelDataUrl and no ModelDataSource"
                    yield Violation(model, (*path, "ModelDataSource"), message)
