from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.catalog import instance_types
from slipway.preflight.hosting import kind_of_model, model_of
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

FAMILIES: Final = ("g4dn", "g5", "p2", "p3")
"""Of which the types with one GPU host many models."""


class MultiModelOnGpu(Rule):
    """A multi-model endpoint on GPUs uses a type that is made for it."""

    id = "MultiModelOnGpu"
    severity = Severity.WARNING
    consequence = "The endpoint is refused, or its models never reach the GPUs."
    mend = "choose a type with one GPU of the families g4dn and g5, or one without GPUs"
    source = "SageMaker Developer Guide, multi-model-support: GPU instance types, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find multi-model endpoints on other GPUs."""
        for variant in template.variants():
            machine, model = instance_types().get(str(variant.at("InstanceType"))), model_of(template, variant)
            if machine is None or not machine.gpus or model is None or kind_of_model(model) != "multi-model":
                continue
            family = machine.name.split(".")[1]
            if machine.gpus > 1 or family not in FAMILIES:
                message = f"'{machine.name}' is not among the GPU types that multi-model endpoints support"
                yield Violation(variant.config, (*variant.path, "InstanceType"), message)
