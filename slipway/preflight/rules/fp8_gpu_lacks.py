from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.fit.fit import FP8
from slipway.preflight.holding import held
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class Fp8GpuLacks(Rule):
    """FP8 runs on GPUs that compute in it."""

    id = "Fp8GpuLacks"
    severity = Severity.WARNING
    consequence = "vLLM keeps the weights in 8 bits and computes in 16: less memory, and no more speed."
    mend = "choose a type with newer GPUs, such as ml.g6.xlarge, or another quantisation"
    source = "vLLM documentation, FP8 W8A8: compute capability 8.9 and above; 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find FP8 that was asked for on GPUs that lack it."""
        for each in held(template):
            machine, variable = each.machine, each.options.said.get("quantization")
            if each.options.quantization != "fp8" or machine.compute_capability is None:
                continue
            if machine.compute_capability < FP8:
                has = f"the {machine.gpu_name} of '{machine.name}' has compute capability {machine.compute_capability}"
                yield Violation(each.resource, each.path, f"{variable} is fp8 and {has}: {FP8} is needed")
