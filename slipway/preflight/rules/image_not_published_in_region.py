from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.catalog import hosting_images, image_accounts, nearest_regions
from slipway.preflight.images import in_ecr
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.images import Image
    from slipway.preflight.template import Template


class ImageNotPublishedInRegion(Rule):
    """An image of AWS is published in the region that it is named in."""

    id = "ImageNotPublishedInRegion"
    severity = Severity.ERROR
    consequence = "CreateModel is refused where the region has no such repository, and CreateEndpoint without the tag."
    mend = "choose an image of `slipway images --region`, or copy it to a repository of your own"
    source = "sagemaker-core 2.27.0, image tables, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find repositories and images of AWS that a region does not have."""
        for container, image in in_ecr(template):
            if not image.published:
                continue
            if image_accounts(image.repository, image.region) == frozenset():
                here = frozenset().union(*(row.regions for row in hosting_images()[image.repository]))
                yield Violation(container.resource, container.at("Image"), _message(image, image.repository, here))
            elif image.known is not None and image.region in image.known.not_in:
                name = f"{image.repository}:{image.tag}"
                yield Violation(container.resource, container.at("Image"), _message(image, name, image.known.regions))


def _message(image: Image, name: str, regions: frozenset[str]) -> str:
    near = nearest_regions(image.region, regions)
    said = f"'{name}' is not known to be published in {image.region}"
    return f"{said}; the nearest regions that have it: {', '.join(near)}" if near else said
