from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.images import alone, placed
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class CpuImageOnGpu(Rule):
    """A machine with GPUs runs an image that uses them."""

    id = "CpuImageOnGpu"
    severity = Severity.WARNING
    consequence = "The GPUs are paid for and idle."
    mend = "name the image for GPUs, or choose an instance type without"
    source = "sagemaker-core 2.27.0, image tables, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find images for CPUs on machines with GPUs."""
        single = alone(template)
        for container, image, machine in placed(template):
            if container.resource.logical_id not in single:
                continue  # what stands beside it may use them
            if image.accelerator == "cpu" and machine.gpus:
                message = (
                    f"the image is built for CPUs and '{machine.name}' has {machine.gpus} GPU{'s' * (machine.gpus > 1)}"
                )
                yield Violation(container.resource, container.at("Image"), message)
