from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.catalog import instance_types
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

NEURON: Final = ("ml.inf2.", "ml.trn")


class AmiForOtherMachine(Rule):
    """The machine image of a variant has the drivers of its accelerator."""

    id = "AmiForOtherMachine"
    severity = Severity.ERROR
    consequence = "CreateEndpointConfig is refused, or the container meets a machine without the driver that it needs."
    mend = "remove InferenceAmiVersion, or name one for the type"
    source = "botocore, ProductionVariant: InferenceAmiVersion, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find images for GPUs on other machines, and images for Neuron on others."""
        for variant in template.variants():
            ami, machine = variant.at("InferenceAmiVersion"), instance_types().get(str(variant.at("InstanceType")))
            if not isinstance(ami, str) or not is_known(ami) or machine is None:
                continue
            neuron = machine.name.startswith(NEURON)
            if ("-neuron-" in ami and not neuron) or ("-gpu-" in ami and machine.gpus == 0):
                message = f"'{ami}' is not for '{machine.name}'"
                yield Violation(variant.config, (*variant.path, "InferenceAmiVersion"), message)
