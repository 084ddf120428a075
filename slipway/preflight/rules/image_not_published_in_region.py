from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.catalog import image_accounts
from slipway.preflight.images import in_ecr
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ImageNotPublishedInRegion(Rule):
    """An image of AWS is published in the region that it is named in."""

    id = "ImageNotPublishedInRegion"
    severity = Severity.WARNING
    consequence = "CreateModel is refused where the region has no such repository."
    mend = "choose another image, or copy it into a repository of your own"
    source = "sagemaker-core 2.27.0, image tables, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find repositories of AWS that a region does not have."""
        for container, image in in_ecr(template):
            if image.published and image_accounts(image.repository, image.region) == frozenset():
                message = f"'{image.repository}' is not known to be published in {image.region}"
                yield Violation(container.resource, container.at("Image"), message)
