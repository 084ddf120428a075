from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.images import has_neuron, placed
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class NeuronImageElsewhere(Rule):
    """An image for Neuron runs on Inferentia or Trainium."""

    id = "NeuronImageElsewhere"
    severity = Severity.ERROR
    consequence = "The server stops at its start, because it finds no Neuron device, and the endpoint fails."
    mend = "choose an ml.inf2 or ml.trn1 type, or an image for GPUs"
    source = "AWS Neuron documentation, inference on SageMaker, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find images for Neuron on other machines."""
        for container, image, machine in placed(template):
            if image.accelerator == "neuron" and not has_neuron(machine):
                message = f"the image is built for Neuron and '{machine.name}' has no such device"
                yield Violation(container.resource, container.at("Image"), message)
