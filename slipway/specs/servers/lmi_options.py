"""What a Large Model Inference container is told, in its own words."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from slipway.catalog import lmi_versions
from slipway.specs.base import Findings, Spec
from slipway.specs.outline import BARE
from slipway.specs.servers.lmi_rules import check_options
from slipway.specs.suggest import did_you_mean
from slipway.specs.text import Shape, refuse

NEWEST: Final = next(reversed(lmi_versions()))
TYPED: Final = "has a name of LMI's own: use"
OWN: Final = "is the server's own affair: remove the key"
NOT_HELD: Final = "is not among a built model's files: remove the key"


def _known(version: str) -> str:
    if version not in lmi_versions():
        hint = did_you_mean(version, lmi_versions())
        raise refuse(f"is not an LMI version whose options are known: {', '.join(lmi_versions())}{hint}")
    return version


def _as_word(written: Any) -> str:
    """Return which of the two is meant, so that one complaint is enough of what is neither."""
    return BARE if isinstance(written, str) else "number"


Degree = Annotated[int, Field(ge=1, le=64)]
DegreeOrMax = Annotated[
    Annotated[Degree, Tag("number")] | Annotated[Literal["max"], Tag(BARE)], Discriminator(_as_word)
]
Parser = Annotated[str, Shape(r"^[a-z0-9][a-z0-9_.-]{0,59}$", "a parser's name in vLLM, such as llama3_json")]
FileName = Annotated[str, Shape(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$", "the name of a file, without a folder")]


class Speculative(Spec):
    """A guess of several tokens at once, which the model then confirms or not; its answers stay the same."""

    impossible: ClassVar[dict[str, str]] = {"model": f"a draft model {NOT_HELD}, or use method: ngram"}

    method: Literal["ngram", "mtp"]
    """``ngram``: what followed the same words in the prompt. ``mtp``: by the model's own layers for it."""
    num_speculative_tokens: Annotated[int, Field(ge=1, le=32)]
    """Guessed at once."""
    prompt_lookup_max: Annotated[int, Field(ge=1, le=32)] | None = None
    """Most words that are looked up; ``ngram`` only. Default: vLLM's own."""
    prompt_lookup_min: Annotated[int, Field(ge=1, le=32)] | None = None
    """Fewest words that are looked up; ``ngram`` only. Default: vLLM's own."""


class LmiOptions(Spec):
    """DJL Serving with vLLM: a language model on one GPU or on many of one machine."""

    impossible: ClassVar[dict[str, str]] = {
        "tensor_parallel_size": f"{TYPED} 'tensor_parallel_degree'",
        "pipeline_parallel_size": f"{TYPED} 'pipeline_parallel_degree'",
        "max_num_seqs": f"{TYPED} 'max_rolling_batch_size'",
        "max_num_batched_tokens": f"{TYPED} 'max_rolling_batch_prefill_tokens'",
        "quantization": f"{TYPED} 'quantize'",
        "hf_model_id": "the model is the variant's 'model': remove the key",
        "model_id": "the model is the variant's 'model': remove the key",
        "revision": "the model is the variant's 'model', whose files are locked: remove the key",
        "s3url": "the model is the variant's 'model': remove the key",
        "adapters": f"an adapter {NOT_HELD}",
        "draft_model_id": f"a draft model {NOT_HELD}, or use 'speculative_config'",
        "speculative_model": f"a draft model {NOT_HELD}, or use 'speculative_config'",
        "trust_remote_code": f"a program {NOT_HELD}",
        "enable_streaming": "LMI streams wherever a request says 'stream: true': remove the key",
        "enable_reasoning": "LMI reads 'reasoning_parser' alone: remove the key",
        "hf_token": "a secret does not belong here, and nothing is fetched: remove the key",
        "engine": f"'Python' {OWN}",
        "entry_point": f"the handler {OWN}",
        "entryPoint": f"the handler {OWN}",
        "mpi_mode": f"vLLM's handler needs none, it {OWN}",
        "rope_scaling": "vLLM takes it in 'hf_overrides' alone: move it there",
    }
    reasons: ClassVar[dict[str, str]] = {
        "model_loading_timeout": "SageMaker waits an hour for a container at the longest, and LMI itself starts in two"
        " minutes",
        "predict_timeout": "SageMaker ends a stream after eight minutes",
    }

    version: Annotated[str, AfterValidator(_known), Field(examples=[NEWEST])] = NEWEST
    """Of DJL Serving, which decides the image and the options that there are. Absent: the newest that is known."""
    tensor_parallel_degree: DegreeOrMax | None = None
    """GPUs that share one copy of the model; ``max``: all of the machine. More copies take the GPUs that are left.
    Absent: as few as hold the model, as its build planned; with adapters or LMCache, of which LMI serves one copy, as
    many as can."""
    pipeline_parallel_degree: Degree = 1
    """Stages of layers one after another. LMI's handler for vLLM takes one alone."""
    dtype: Literal["auto", "fp32", "fp16", "bf16"] | None = None
    """What is computed in. Absent: as config.json says."""
    rolling_batch: Literal["auto", "vllm", "disable"] | None = None
    """``vllm``: LMI's older handler, with LMI's own schema of requests. ``auto``, ``disable``: as ``async_mode``
    says."""
    async_mode: bool | None = None
    """Whether vLLM's own server batches, and speaks OpenAI's schema. Absent: true, but with ``rolling_batch: vllm``."""
    max_rolling_batch_size: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Sequences at once. Absent: 32, or 256 with ``rolling_batch: vllm``."""
    max_rolling_batch_prefill_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Tokens that one step computes at most. Absent: as vLLM plans them."""
    quantize: Literal["fp8", "bitsandbytes"] | None = None
    """Makes weights smaller while they are loaded, unproved; what a build made smaller needs no word here."""
    kv_cache_dtype: Literal["auto", "fp8", "fp8_e4m3", "fp8_e5m2"] | None = None
    """Of the KV cache. Absent: as it is computed."""
    max_model_len: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Tokens that a prompt and its answer have together at most. Absent: as the model's build says."""
    gpu_memory_utilization: Annotated[float, Field(ge=0.1, le=0.98)] | None = None
    """Share of each GPU's memory that vLLM takes. Absent: 0.9."""
    model_loading_timeout: Annotated[int, Field(ge=60, le=3480)] | None = None
    """Seconds. Absent: what the weights are estimated to take; the container's start-up time-out is longer."""
    predict_timeout: Annotated[int, Field(ge=1, le=480)] | None = None
    """Seconds for one answer. Absent: 240."""
    enable_lora: bool = False
    """Whether adapters may be loaded, one copy of the model alone being served."""
    max_loras: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Adapters in one batch. Absent: 4."""
    max_cpu_loras: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Adapters in main memory. Absent: as many as in one batch."""
    max_lora_rank: Literal[8, 16, 32, 64, 128, 256, 320, 512] | None = None
    """Highest rank of an adapter. Absent: 16."""
    lora_extra_vocab_size: Literal[256, 512] | None = None
    """Words that an adapter may add."""
    enable_prefix_caching: bool | None = None
    """Whether the KV cache of equal beginnings is shared. Absent: as vLLM decides."""
    enable_chunked_prefill: bool | None = None
    """Whether long prompts are read in parts. Absent: as vLLM decides."""
    enforce_eager: bool | None = None
    """Whether CUDA graphs are left out: a shorter start, slower answers. Absent: they are made."""
    lmcache_auto_config: bool | None = None
    """Whether LMCache keeps KV caches in main memory and on disk, by what the machine has."""
    speculative_config: Speculative | None = None
    chat_template: FileName | None = None
    """One of the model's files. Absent: as the tokenizer says."""
    chat_template_content_format: Literal["auto", "string", "openai"] | None = None
    """How the template takes a message's content."""
    enable_auto_tool_choice: bool | None = None
    """Whether the model may call tools of its own accord; needs ``tool_call_parser``."""
    tool_call_parser: Parser | None = None
    """How its calls are read."""
    reasoning_parser: Parser | None = None
    """How its thoughts are told from its answer."""
    hf_overrides: dict[str, Any] | None = None
    """Laid over config.json, such as ``{rope_scaling: {rope_type: yarn, factor: 4.0}}``."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        check_options(findings, self)
        findings.refuse()
        return self

    @property
    def asynchronous(self) -> bool:
        """Whether vLLM's own server batches."""
        return self.rolling_batch != "vllm" if self.async_mode is None else self.async_mode

    @property
    def one_copy(self) -> bool:
        """Whether LMI serves one copy of the model alone, however many GPUs are left."""
        return self.enable_lora or self.lmcache_auto_config is True
