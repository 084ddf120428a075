from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slipway.preflight.images import in_ecr
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class TrainingImage(Rule):
    """A model is hosted in an image that serves."""

    id = "TrainingImage"
    severity = Severity.ERROR
    consequence = "The container knows no command serve, fails its health check, and the endpoint fails."
    mend = "name the image for inference of the same framework"
    source = "AWS Deep Learning Containers, available images, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find images that train."""
        for container, image in in_ecr(template):
            if image.published and re.search(r"(^|-)training(-|$)", image.repository):
                message = f"'{image.repository}' holds images that train and do not serve"
                yield Violation(container.resource, container.at("Image"), message)
