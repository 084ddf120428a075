from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.catalog import hosting_images
from slipway.preflight.images import held
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.values import CLOSE, is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


ONLY_LATEST: Final = {
    name for name, images in hosting_images().items() if {image.tag for image in images} == {"latest"}
}


class ImageWithoutTag(Rule):
    """An image is named with a tag other than latest, or by its digest."""

    id = "ImageWithoutTag"
    severity = Severity.WARNING
    consequence = "Each new instance may pull another image than the ones beside it run."
    mend = "name a fixed tag or a digest"
    source = "SageMaker Developer Guide, containers for inference, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find images without a fixed tag."""
        for container in held(template):
            image = container.settings.get("Image")
            if isinstance(image, str) and not fixed(image):
                shown = image.rpartition("/")[2] if is_known(image) else image.rpartition(CLOSE)[2]
                yield Violation(container.resource, container.at("Image"), f"'{shown}' has no fixed tag")


def fixed(image: str) -> bool:
    """Return whether an image's name can only ever mean the same bytes, as far as its owner keeps to its tags."""
    name = image.rpartition("/")[2]
    end = name.rpartition(CLOSE)[2]
    if "@" in name or (end != name and ":" not in end):
        return True  # a digest, or what only a deployment knows
    tag = name.rpartition(":")[2] if ":" in name else "latest"
    return "latest" not in tag.split("-") or name.partition(":")[0] in ONLY_LATEST
