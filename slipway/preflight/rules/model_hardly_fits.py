from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.holding import advice, arithmetic, held, judged
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ModelHardlyFits(Rule):
    """Beside a model there is room for activations, the runtime and, in main memory, for loading it."""

    id = "ModelHardlyFits"
    severity = Severity.WARNING
    consequence = "The server may run out of memory while it loads, or under its first long requests."
    mend = "choose the type that is named, a smaller data type, or shorter sequences; or measure, and acknowledge it"
    source = "an estimate: activations fitted to vllm-project/vllm#10517, loading measured with ONNX Runtime; 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find models that fit by their weights and cache alone."""
        for each in held(template):
            found = judged(each)
            if found is None or found.fits or found.certain_mib > found.available_mib:
                continue
            how = arithmetic(found, "weights", "KV cache", "activations", "loading", "runtime")
            message = (
                f"{found.model} needs about {found.needed_mib:,} MiB of {found.place} on "
                f"'{found.machine}', which gives {found.available_mib:,} ({how}){advice(template, each)}"
            )
            yield Violation(each.resource, each.path, message)
