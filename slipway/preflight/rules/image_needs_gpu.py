from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.images import NEED_GPU, placed
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ImageNeedsGpu(Rule):
    """A server of large language models runs on a machine with GPUs."""

    id = "ImageNeedsGpu"
    severity = Severity.ERROR
    consequence = "The server stops at its start, because it finds no GPU, and the endpoint fails."
    mend = "choose an instance type with GPUs, such as ml.g6.xlarge"
    source = "sagemaker-core 2.27.0, image tables, 2026-11; LMI user guide, instance types"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find such servers on machines without."""
        for container, image, machine in placed(template):
            if image.accelerator == "gpu" and image.server in NEED_GPU and machine.gpus == 0:
                message = f"the image is built for GPUs and '{machine.name}' has none"
                yield Violation(container.resource, container.at("Image"), message)
