from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.images import held
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

SAME: Final = (
    (("OPTION_TENSOR_PARALLEL_DEGREE", "TENSOR_PARALLEL_DEGREE"), "OPTION_TENSOR_PARALLEL_SIZE"),
    (("OPTION_MAX_ROLLING_BATCH_SIZE",), "OPTION_MAX_NUM_SEQS"),
)
LORA: Final = ("OPTION_MAX_LORAS", "OPTION_MAX_LORA_RANK", "OPTION_MAX_CPU_LORAS")
SIZE: Final = "OPTION_MAX_ROLLING_BATCH_SIZE"


class LmiOptionsContradict(Rule):
    """The options of an LMI container agree with each other."""

    id = "LmiOptionsContradict"
    severity = Severity.WARNING
    consequence = "One of them has no effect, or the server stops at its start."
    mend = "remove one of the two"
    source = "LMI vLLM user guide, and its check of names that vLLM has too, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find options that switch off or contradict another."""
        for container in held(template):
            if str(container.server).startswith("djl-"):
                options = {name: value.lower() for name, value in container.environment.items()}
                written = container.settings["Environment"] if options else {}
                for name, message in _contradictions(options, {str(name) for name in written}):
                    yield Violation(container.resource, container.at("Environment", name), message)


def _contradictions(options: dict[str, str], written: set[str]) -> Iterator[tuple[str, str]]:
    disabled = options.get("OPTION_ROLLING_BATCH") == "disable"
    if disabled and SIZE in options and "OPTION_ASYNC_MODE" not in written:
        yield SIZE, "continuous batching is disabled, so that its size has no effect"
    if "OPTION_ENABLE_LORA" not in written or options.get("OPTION_ENABLE_LORA") == "false":
        yield from ((name, "it has no effect without OPTION_ENABLE_LORA") for name in LORA if name in options)
    for ours, theirs in SAME:
        given = [name for name in ours if name in options]
        if given and options.get(theirs, options[given[0]]) != options[given[0]]:
            yield theirs, f"it says another thing than {given[0]}, which LMI refuses"
