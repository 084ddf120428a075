from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.images import placed
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ImageOfAnotherArchitecture(Rule):
    """An image is built for the processor of its machine."""

    id = "ImageOfAnotherArchitecture"
    severity = Severity.ERROR
    consequence = "The container stops at once with an exec format error, and the endpoint fails."
    mend = "name an image for the processor: arm64 for Graviton, x86_64 for others"
    source = "SageMaker Developer Guide, Graviton instances for inference, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find images for another processor."""
        for container, image, machine in placed(template):
            has = None if machine.arm64 is None else "arm64" if machine.arm64 else "x86_64"
            if has is not None and image.architecture is not None and image.architecture != has:
                message = f"the image is built for {image.architecture} and '{machine.name}' is {has}"
                yield Violation(container.resource, container.at("Image"), message)
