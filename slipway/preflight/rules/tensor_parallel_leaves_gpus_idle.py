from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.holding import Held, held
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


MAKE_ONE = ("SM_VLLM_TENSOR_PARALLEL_SIZE", "SM_NUM_GPUS")
"""The variables of servers that make no second copy of a model."""


class TensorParallelLeavesGpusIdle(Rule):
    """Every GPU that is paid for has a share of the model, or a copy."""

    id = "TensorParallelLeavesGpusIdle"
    severity = Severity.WARNING
    consequence = "The endpoint works, and the GPUs beyond the degree do nothing."
    mend = "raise the degree to the number of GPUs, choose a type with fewer, or serve several copies"
    source = "djl-serving, LMI configurations: LMI makes as many copies as fit, vLLM and TGI make one; 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find degrees below the number of GPUs, where the server makes no copies of the model."""
        for each in held(template):
            options, gpus = each.options, each.machine.gpus
            if not each.alone or not gpus or not isinstance(options.degree, int) or options.unclear:
                continue
            busy = _busy(each, options.degree)
            if 0 < busy < gpus:
                variable = options.said.get("degree", "without SM_VLLM_TENSOR_PARALLEL_SIZE the degree")
                idle = f"{gpus - busy} of the {gpus} GPUs of '{each.machine.name}' idle"
                message = f"{variable} is {options.degree}: {idle}"
                yield Violation(each.resource, each.path, message)


def _busy(each: Held, degree: int) -> int:
    group, gpus = degree * each.options.pipeline, each.machine.gpus or 0
    if each.options.said.get("degree", MAKE_ONE[0]) in MAKE_ONE:
        return group * (each.options.copies or 1)
    return gpus // group * group
