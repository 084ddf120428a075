from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.images import in_ecr
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ImageOfAnotherRegion(Rule):
    """An image lies in the region that the model is created in."""

    id = "ImageOfAnotherRegion"
    severity = Severity.ERROR
    consequence = "CreateModel is refused: SageMaker pulls images of its own region alone."
    mend = "name the image of this region, or write the region as ${AWS::Region}"
    source = "SageMaker API reference, ContainerDefinition: Image, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find images of other regions."""
        for container, image in in_ecr(template):
            if template.region is not None and image.region != template.region:
                message = f"the image lies in {image.region} and the model is created in {template.region}"
                yield Violation(container.resource, container.at("Image"), message)
