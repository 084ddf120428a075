from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from slipway.preflight.images import held
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

OTHER_HOST: Final = re.compile(r"(?![^/]*\.dkr[.-]ecr)([a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?)/")
"""A registry's host has a dot; what only a deployment knows does not match."""


class ImageNotInEcr(Rule):
    """An image lies in a private repository of ECR, or in a registry that is reached through the VPC."""

    id = "ImageNotInEcr"
    severity = Severity.ERROR
    consequence = "CreateModel is refused."
    mend = "copy the image into ECR, or set ImageConfig.RepositoryAccessMode to Vpc"
    source = "SageMaker Developer Guide, private Docker registry for real-time inference, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find images of other registries."""
        for container in held(template):
            image, mode = container.settings.get("Image"), container.settings.get("ImageConfig")
            host = OTHER_HOST.match(image) if isinstance(image, str) else None
            if host is not None and value_at(mode, ("RepositoryAccessMode",)) in (None, "Platform"):
                yield Violation(
                    container.resource, container.at("Image"), f"the image lies in '{host[1]}' and not in ECR"
                )
