from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import MODEL, containers
from slipway.preflight.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ImageWithoutTag(Rule):
    """An image is named with a tag other than latest, or by its digest."""

    id = "ImageWithoutTag"
    severity = Severity.WARNING
    consequence = "Each new instance may pull another image than the ones beside it run."
    mend = "name a fixed tag or a digest"
    source = "SageMaker Developer Guide, containers for inference, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find images without a fixed tag."""
        for model in template.of_kind(MODEL):
            for path, container in containers(model):
                image = container.get("Image")
                if isinstance(image, str) and is_known(image) and not fixed(image):
                    yield Violation(model, (*path, "Image"), f"'{image}' has no fixed tag")


def fixed(image: str) -> bool:
    """Return whether an image's name can only ever mean the same bytes, as far as its owner keeps to its tags."""
    name = image.rpartition("/")[2]
    return "@sha256:" in name or (":" in name and not name.endswith(":latest"))
