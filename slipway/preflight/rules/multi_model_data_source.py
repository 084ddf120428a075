from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL, containers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class MultiModelDataSource(Rule):
    """A multi-model container names its archives by ModelDataUrl."""

    id = "MultiModelDataSource"
    severity = Severity.ERROR
    consequence = "CreateModel is refused: ModelDataSource is not for multi-model endpoints."
    mend = "write ModelDataUrl: s3://bucket/prefix/"
    source = "SageMaker API reference, ContainerDefinition: ModelDataSource, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find multi-model containers with ModelDataSource."""
        for model in template.of_kind(MODEL):
            for path, container in containers(model):
                if container.get("Mode") == "MultiModel" and container.get("ModelDataSource") is not None:
                    yield Violation(
                        model, (*path, "ModelDataSource"), "a multi-model container takes no ModelDataSource"
                    )
