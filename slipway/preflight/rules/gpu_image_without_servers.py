from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from slipway.preflight.hosting import model_of
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import containers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

FOR_A_GPU: Final = re.compile(r":[^/:@]*\b(gpu|cu1[0-9]{2})\b")


class GpuImageWithoutServers(Rule):
    """A serverless variant runs an image that is made for processors."""

    id = "GpuImageWithoutServers"
    severity = Severity.WARNING
    consequence = "It runs without a GPU; above 10 GB, as AWS's images with CUDA are, CreateEndpoint fails."
    mend = "take the image of the same framework for processors, or a variant with GPUs"
    source = "deep-learning-containers, issue 4616: image size is greater than supported size 10737418240, 2025-03"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find images whose tag says that they are made for GPUs."""
        for variant in template.variants():
            model = model_of(template, variant)
            if model is None or not isinstance(variant.at("ServerlessConfig"), dict):
                continue
            for path, container in containers(model):
                image = container.get("Image")
                if isinstance(image, str) and FOR_A_GPU.search(image) is not None:
                    yield Violation(model, (*path, "Image"), f"'{image}' is made for a GPU and the variant has none")
