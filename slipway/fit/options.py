"""How a server is told to hold a model: variables of the container, or LMI's ``serving.properties``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from slipway.fit.model import dtype_of, quantization_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX: Final = "max"
VLLM: Final = "SM_VLLM_"
# Sources, 2026-11: djl-serving, serving/docs/lmi: deployment_guide/configurations.md, user_guides/vllm_user_guide.md;
# aws.github.io/deep-learning-containers/vllm/configuration; the SageMaker entrypoint of text-generation-inference.
VARIABLES: Final = {
    "model_id": ("SM_VLLM_MODEL", "OPTION_MODEL_ID", "HF_MODEL_ID"),
    "degree": (
        "SM_VLLM_TENSOR_PARALLEL_SIZE",
        "OPTION_TENSOR_PARALLEL_DEGREE",
        "TENSOR_PARALLEL_DEGREE",
        "SM_NUM_GPUS",
    ),
    "pipeline": ("SM_VLLM_PIPELINE_PARALLEL_SIZE", "OPTION_PIPELINE_PARALLEL_DEGREE", "PIPELINE_PARALLEL_DEGREE"),
    "copies": ("SM_VLLM_DATA_PARALLEL_SIZE",),
    "dtype": ("SM_VLLM_DTYPE", "OPTION_DTYPE", "DTYPE"),
    "quantization": ("SM_VLLM_QUANTIZATION", "OPTION_QUANTIZE", "OPTION_QUANTIZATION", "HF_MODEL_QUANTIZE", "QUANTIZE"),
    "cache_dtype": ("SM_VLLM_KV_CACHE_DTYPE", "OPTION_KV_CACHE_DTYPE"),
    "max_tokens": ("SM_VLLM_MAX_MODEL_LEN", "OPTION_MAX_MODEL_LEN", "MAX_TOTAL_TOKENS"),
    "step_tokens": (
        "SM_VLLM_MAX_NUM_BATCHED_TOKENS",
        "OPTION_MAX_ROLLING_BATCH_PREFILL_TOKENS",
        "OPTION_MAX_NUM_BATCHED_TOKENS",
        "MAX_BATCH_PREFILL_TOKENS",
    ),
    "sequences": ("SM_VLLM_MAX_NUM_SEQS", "OPTION_MAX_ROLLING_BATCH_SIZE", "OPTION_MAX_NUM_SEQS"),
    "memory_share": ("SM_VLLM_GPU_MEMORY_UTILIZATION", "OPTION_GPU_MEMORY_UTILIZATION", "CUDA_MEMORY_FRACTION"),
    "engine": ("OPTION_ROLLING_BATCH",),
}
"""Which variables say what, those that win first."""
ELSEWHERE: Final = re.compile(r"CPU_OFFLOAD|OFFLOAD_DIR|DEVICE_MAP|LOAD_IN_[48]BIT|ENTRYPOINT|LOW_CPU_MEM")
"""With one of these, what lies on the GPU is not what the facts of the model say."""
UNSAID: Final = ("auto", "none", "", "false")
PROPERTY: Final = re.compile(r"^\s*([\w.]+)\s*[=:]\s*(.*?)\s*$")


@dataclass(frozen=True)
class Options:
    """What was chosen; None where nothing was.

    Args:
        model_id: On the Hugging Face Hub, or where the weights lie.
        degree: Of tensor parallelism; ``max``: all devices of the machine.
        pipeline: Stages of pipeline parallelism.
        copies: Of the model on one machine, where the server is told.
        dtype: In our spelling.
        quantization: In our spelling.
        cache_dtype: Of the KV cache.
        max_tokens: The longest sequence that is let in.
        step_tokens: The most tokens that one step computes.
        sequences: The most sequences at once.
        memory_share: Of a device's memory that the server takes.
        engine: ``vllm``, ``tgi``, or as LMI's ``rolling_batch`` says.
        unclear: What is said in a way that cannot be judged: the names of fields, and ``elsewhere``.
        said: The variable that each field is from.
    """

    model_id: str | None = None
    degree: int | str | None = None
    pipeline: int = 1
    copies: int | None = None
    dtype: str | None = None
    quantization: str | None = None
    cache_dtype: str | None = None
    max_tokens: int | None = None
    step_tokens: int | None = None
    sequences: int | None = None
    memory_share: float | None = None
    engine: str | None = None
    unclear: frozenset[str] = frozenset()
    said: Mapping[str, str] = field(default_factory=dict)


def options_of(environment: Mapping[str, Any]) -> Options:
    """Read the variables of a container; a value that is no text or number is unclear."""
    variables = {str(name): value for name, value in environment.items()}
    said = {key: name for key, names in VARIABLES.items() for name in reversed(names) if name in variables}
    values: dict[str, Any] = {}
    unclear: set[str] = set()
    for key, name in said.items():
        written = variables[name]
        word = str(written).strip() if isinstance(written, (str, int, float)) else None
        value = None if word is None else READERS[key](word)
        if value is None and (word is None or word.lower() not in UNSAID):
            unclear.add(key)
        elif value is not None:
            values[key] = value
    if any(ELSEWHERE.search(name) for name in variables):
        unclear.add("elsewhere")
    values.setdefault("engine", _engine(variables))
    if "degree" not in said and any(name.startswith(VLLM) for name in variables):
        values["degree"] = 1  # its documented default
    return Options(**values, unclear=frozenset(unclear), said=said)


def options_of_properties(text: str) -> Options:
    """Read LMI's ``serving.properties``."""
    pairs = [match.groups() for line in text.splitlines() if (match := PROPERTY.match(line))]
    return options_of({_variable(key): value for key, value in pairs})


def _variable(key: str) -> str:
    return f"OPTION_{key.removeprefix('option.').upper()}" if key.startswith("option.") else key


def _engine(variables: Mapping[str, Any]) -> str | None:
    if any(name.startswith(VLLM) for name in variables):
        return "vllm"
    return "tgi" if {"SM_NUM_GPUS", "HF_MODEL_QUANTIZE", "MAX_TOTAL_TOKENS"} & variables.keys() else None


def _whole(word: str) -> int | None:
    return int(word) if re.fullmatch(r"[1-9]\d{0,9}", word) else None


def _degree(word: str) -> int | str | None:
    return MAX if word.lower() == MAX else _whole(word)


def _share(word: str) -> float | None:
    share = float(word) if re.fullmatch(r"\d?\.?\d{1,9}", word) else None
    return share if share is not None and 0 < share <= 1 else None


def _name(word: str) -> str | None:
    return None if word.lower() in UNSAID else word


READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "model_id": _name,
    "degree": _degree,
    "pipeline": _whole,
    "copies": _whole,
    "dtype": dtype_of,
    "quantization": quantization_of,
    "cache_dtype": dtype_of,
    "max_tokens": _whole,
    "step_tokens": _whole,
    "sequences": _whole,
    "memory_share": _share,
    "engine": _name,
}
