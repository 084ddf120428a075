"""Which options of an LMI container contradict each other, its version, the model or the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.catalog import lmi_option_spans, version_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.specs.base import Findings
    from slipway.specs.servers.lmi_options import LmiOptions

Contradiction = tuple[str, str]
OF_LORA: Final = ("max_loras", "max_cpu_loras", "max_lora_rank", "lora_extra_vocab_size")
MAX_LORAS: Final = 4
"""Where nobody says. Source: VllmRbProperties, 0.33.0 to 0.36.0."""
LORA_WITH_ASYNC: Final = "0.34.0"
"""From here on the asynchronous handler knows adapters. Source: release notes, LMI V16."""


def check_options(findings: Findings, options: LmiOptions) -> None:
    """Find what the options alone make impossible."""
    for rule in (_of_another_version, _batching, _stages, _lora, _tools, _speculation):
        for key, message in rule(options):
            findings.add(tuple(key.split(".")), message)


def _of_another_version(options: LmiOptions) -> Iterator[Contradiction]:
    own = version_number(options.version)
    for name, span in lmi_option_spans().items():
        if name not in options.model_fields_set:
            continue
        if own < version_number(span.since):
            yield (
                name,
                f"begins with LMI {span.since}, and this is {options.version}: remove the key or raise 'version'",
            )
        elif span.until is not None and own > version_number(span.until):
            yield name, f"ended with LMI {span.until}, and this is {options.version}: remove the key"


def _batching(options: LmiOptions) -> Iterator[Contradiction]:
    if options.async_mode is True and options.rolling_batch == "vllm":
        both = "'vllm' is LMI's older handler, and async_mode: true is vLLM's own server, which batches by itself"
        yield "rolling_batch", f"{both}: remove one of them"
    elif options.async_mode is False and options.rolling_batch != "vllm":
        said = "remove the key, or write 'rolling_batch: vllm'"
        yield "async_mode", f"false leaves nothing that batches, and LMI's 'auto' would set it again: {said}"


def _stages(options: LmiOptions) -> Iterator[Contradiction]:
    # VllmRbProperties.validate_pipeline_parallel, which both handlers of vLLM begin with, 0.30.0 to 0.36.0.
    if options.pipeline_parallel_degree > 1:
        mend = "use 'tensor_parallel_degree'"
        yield "pipeline_parallel_degree", f"more than one stage is refused by LMI's handler for vLLM: {mend}"


def _lora(options: LmiOptions) -> Iterator[Contradiction]:
    if not options.enable_lora:
        for name in OF_LORA:
            if getattr(options, name) is not None:
                yield name, "has no effect without 'enable_lora: true': remove the key, or add that"
        return
    most = MAX_LORAS if options.max_loras is None else options.max_loras
    if options.max_cpu_loras is not None and options.max_cpu_loras < most:
        yield "max_cpu_loras", f"{options.max_cpu_loras} is less than the {most} of one batch, and vLLM refuses that"
    if options.asynchronous and version_number(options.version) < version_number(LORA_WITH_ASYNC):
        use = f"use 'rolling_batch: vllm', or version {LORA_WITH_ASYNC}"
        yield "enable_lora", f"the asynchronous handler of {options.version} knows no adapters: {use}"
    if options.quantize is not None:
        why = "the weights are quantised while they load, and LMI tests no adapter on such"
        yield "quantize", f"{why}: build the model with 'llm: {{precision: fp8}}' instead"


def _tools(options: LmiOptions) -> Iterator[Contradiction]:
    if options.enable_auto_tool_choice and options.tool_call_parser is None:
        yield "enable_auto_tool_choice", "needs 'tool_call_parser', without which LMI does not start"
    if options.tool_call_parser is not None and not options.enable_auto_tool_choice:
        yield "tool_call_parser", "has no effect without 'enable_auto_tool_choice: true'"
    if options.chat_template_content_format is not None and not options.asynchronous:
        yield "chat_template_content_format", "is read in async_mode alone: remove 'rolling_batch: vllm'"


def _speculation(options: LmiOptions) -> Iterator[Contradiction]:
    guess = options.speculative_config
    if guess is None:
        return
    for name in ("prompt_lookup_max", "prompt_lookup_min"):
        if guess.method != "ngram" and getattr(guess, name) is not None:
            yield f"speculative_config.{name}", "is for method: ngram: remove the key"
    low, high = guess.prompt_lookup_min, guess.prompt_lookup_max
    if low is not None and high is not None and low > high:
        yield "speculative_config.prompt_lookup_min", f"{low} is more than 'prompt_lookup_max', which is {high}"
