from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import is_serverless, model_of
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import containers, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Resource, Template


class ServerlessContainer(Rule):
    """The model of a serverless variant is one container from ECR, with its weights in one archive."""

    id = "ServerlessContainer"
    severity = Severity.ERROR
    consequence = "CreateEndpoint fails, and the stack rolls back."
    mend = "host it on instances, or as one container with ModelDataUrl"
    source = (
        "SageMaker Developer Guide, serverless inference: feature exclusions; API reference, ContainerDefinition: "
        "ModelDataSource, 2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find other models behind serverless variants."""
        for variant in template.variants():
            model = model_of(template, variant) if is_serverless(variant) else None
            if model is not None:
                for path, what in _excluded(model):
                    yield Violation(model, path, f"a serverless variant hosts this model and takes no {what}")


def _excluded(model: Resource) -> Iterator[tuple[Path, str]]:
    inside = list(containers(model))
    if len(inside) > 1:
        yield ("Containers",), f"{len(inside)} containers"
    for path, container in inside:
        if container.get("Mode") == "MultiModel":
            yield (*path, "Mode"), "multi-model container"
        if isinstance(container.get("ModelDataSource"), dict):
            yield (*path, "ModelDataSource"), "ModelDataSource"
        if value_at(container, ("ImageConfig", "RepositoryAccessMode")) == "Vpc":
            yield (*path, "ImageConfig"), "image of a private registry"
