from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL, containers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ImageBesideModelPackage(Rule):
    """A container names its image or its model package, not both."""

    id = "ImageBesideModelPackage"
    severity = Severity.WARNING
    consequence = "CreateModel is refused, or the image of the package is used and not the one that is written."
    mend = "remove Image, or ModelPackageName"
    source = "SageMaker API reference, ContainerDefinition, 2026-11; what becomes of it is inferred"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find containers with both."""
        for model in template.of_kind(MODEL):
            for path, container in containers(model):
                if container.get("Image") is not None and container.get("ModelPackageName") is not None:
                    yield Violation(model, (*path, "Image"), "the model package has an image of its own")
