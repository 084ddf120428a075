from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.holding import advice, arithmetic, held, judged
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ModelDoesNotFit(Rule):
    """A model's weights, and under vLLM the KV cache of one whole sequence, fit into the memory there is."""

    id = "ModelDoesNotFit"
    severity = Severity.ERROR
    consequence = "The server runs out of memory while it loads, the health check fails, and the stack rolls back."
    mend = "choose the type that is named, a higher tensor-parallel degree, a smaller data type, or shorter sequences"
    source = "EC2's memory by moto; vLLM refuses to start (vllm-project/vllm#2418, #10517); LMI instance guide; 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models that are larger than their machine, before any estimate."""
        for each in held(template):
            found = judged(each)
            if found is None or found.certain_mib <= found.available_mib:
                continue
            how = arithmetic(found, "weights", "KV cache")
            message = (
                f"{found.model} takes {found.certain_mib:,} MiB of {found.place} on '{found.machine}', "
                f"which gives {found.available_mib:,} ({how}){advice(template, each)}"
            )
            yield Violation(each.resource, each.path, message)
