from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.images import NEED_GPU, alone, has_neuron, placed
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class NeuronMachineIdle(Rule):
    """A machine with Inferentia or Trainium runs an image that uses them."""

    id = "NeuronMachineIdle"
    severity = Severity.WARNING
    consequence = "The accelerators are paid for and idle, or the server stops because it finds no GPU."
    mend = "name an image for Neuron, or choose an instance type without"
    source = "AWS Neuron documentation, inference on SageMaker, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find images for CPUs or GPUs on such machines."""
        single = alone(template)
        for container, image, machine in placed(template):
            if container.resource.logical_id not in single:
                continue  # what stands beside it may use them
            if image.accelerator in ("cpu", "gpu") and image.server not in NEED_GPU and has_neuron(machine):
                message = f"the image is built for {image.accelerator.upper()}s and '{machine.name}' has Neuron devices"
                yield Violation(container.resource, container.at("Image"), message)
