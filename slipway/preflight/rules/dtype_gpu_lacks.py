from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.fit.fit import BF16
from slipway.preflight.holding import held
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class DtypeGpuLacks(Rule):
    """A GPU computes in the data type that was chosen."""

    id = "DtypeGpuLacks"
    severity = Severity.ERROR
    consequence = "vLLM refuses to start with bfloat16 below compute capability 8.0, and the stack rolls back."
    mend = "write fp16, or choose a type with newer GPUs, such as ml.g5.xlarge"
    source = "djl-serving, LMI configurations: bf16 only on G5, P4, P5 or newer; vllm-project/vllm#1157; 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find bfloat16 that was asked for on GPUs that lack it."""
        for each in held(template):
            machine, variable = each.machine, each.options.said.get("dtype")
            if each.options.dtype != "bf16" or machine.compute_capability is None or machine.compute_capability >= BF16:
                continue
            has = f"the {machine.gpu_name} of '{machine.name}' has compute capability {machine.compute_capability}"
            yield Violation(each.resource, each.path, f"{variable} is bfloat16 and {has}: {BF16} is needed")
