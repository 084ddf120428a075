from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.fit import MAX
from slipway.preflight.holding import Held, held
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class TensorParallelAgainstGpus(Rule):
    """A tensor-parallel degree is at most the number of GPUs, and divides the model's attention heads."""

    id = "TensorParallelAgainstGpus"
    severity = Severity.ERROR
    consequence = "The server refuses to start, the health check fails, and the stack rolls back."
    mend = "write a degree that the machine has GPUs for and that divides the attention heads, or another type"
    source = "djl-serving, LMI configurations, tensor_parallel_degree; vllm-project/vllm#2652, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find degrees that no machine of the type can give."""
        for each in held(template):
            message = _too_many(each) or _not_dividing(each)
            if message is not None:
                yield Violation(each.resource, each.path, message)


def _too_many(each: Held) -> str | None:
    options, machine = each.options, each.machine
    variable = options.said.get("degree")
    if not isinstance(options.degree, int) or variable is None or "pipeline" in options.unclear:
        return None
    wanted, gpus = options.degree * options.pipeline, machine.gpus
    devices = machine.neuron_cores or gpus
    if devices is None or wanted <= devices or (not devices and wanted == 1 and options.engine != "tgi"):
        return None
    stages = f" in {options.pipeline} stages" if options.pipeline > 1 else ""
    what = "Neuron cores" if machine.neuron_cores else "GPUs"
    has = f"has {devices} {what}" if each.alone or machine.neuron_cores else f"gives it {devices}"
    return f"{variable} is {options.degree}{stages} and '{machine.name}' {has}"


def _not_dividing(each: Held) -> str | None:
    options, heads = each.options, None if each.model is None else each.model.attention_heads
    degree = each.machine.gpus if options.degree == MAX else options.degree
    if not heads or not isinstance(degree, int) or degree < 1 or not each.machine.gpus or options.pipeline > 1:
        return None
    if heads % degree == 0 or options.engine == "disable" or options.unclear & {"elsewhere", "engine", "pipeline"}:
        return None
    fine = [str(n) for n in range(1, each.machine.gpus + 1) if heads % n == 0]
    return f"a tensor-parallel degree of {degree} does not divide {heads} attention heads: {', '.join(fine)} does"
