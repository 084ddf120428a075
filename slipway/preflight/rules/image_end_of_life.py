from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.catalog import end_of_life, images_taken
from slipway.preflight.images import in_ecr
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ImageEndOfLife(Rule):
    """An image of AWS still gets patches."""

    id = "ImageEndOfLife"
    severity = Severity.WARNING
    consequence = "Holes that are found in what it holds are no longer closed."
    mend = "move to a version that is patched, or for PyTorch to djl-inference or sagemaker-tritonserver"
    source = "AWS Deep Learning Containers, framework support policy, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find images whose last patch lay before the day of the catalogue."""
        for container, image in in_ecr(template):
            end = end_of_life(image.name, image.tag or "")
            if end is not None and end < images_taken():
                yield Violation(
                    container.resource, container.at("Image"), f"'{image.name}:{image.tag}' got its last patch on {end}"
                )
