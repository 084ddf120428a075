from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.images import NEED_GPU, has_neuron, placed
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class GpuImageOnCpu(Rule):
    """An image that is built for GPUs runs on a machine that has some."""

    id = "GpuImageOnCpu"
    severity = Severity.WARNING
    consequence = "The model runs on the processor, and the image is several gigabytes larger than it need be."
    mend = "name the image for CPUs, or choose an instance type with GPUs"
    source = "sagemaker-core 2.27.0, image tables, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find images for GPUs on machines without."""
        for container, image, machine in placed(template):
            if (
                image.accelerator == "gpu"
                and image.server not in NEED_GPU
                and machine.gpus == 0
                and not has_neuron(machine)
            ):
                message = f"the image is built for GPUs and '{machine.name}' has none"
                yield Violation(container.resource, container.at("Image"), message)
