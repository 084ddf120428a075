from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from slipway.catalog import image_uri
from slipway.specs.base import Findings
from slipway.specs.servers.djl_ranks import DjlRanks
from slipway.specs.text import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys
    from slipway.specs.language_artifact import LockedLanguage

VERSION: Final = "0.27.0"
# Source: LMI 0.27.0, DeepSpeed user guide: by the kernels of DeepSpeed 0.12.6, and by its automatic tensor parallelism.
_GPT: Final = frozenset({"BloomForCausalLM", "GPTNeoForCausalLM", "GPTNeoXForCausalLM", "GPTJForCausalLM"})
INJECTED: Final = _GPT | {"GPT2LMHeadModel", "LlamaForCausalLM", "OPTForCausalLM"}
SPLIT: Final = _GPT | {
    *("CodeGenForCausalLM", "FalconForCausalLM", "GPTBigCodeForCausalLM", "LlamaForCausalLM", "MistralForCausalLM"),
    *("MptForCausalLM", "OPTForCausalLM", "XGLMForCausalLM"),
}
SMOOTH: Final = _GPT | {"GPT2LMHeadModel", "LlamaForCausalLM"}
ROPE_BASE: Final = 10_000


class DjlDeepSpeed(DjlRanks):
    """DJL Serving with DeepSpeed, in the last image that has it: DJL 0.27.0, DeepSpeed 0.12.6, of 2024.

    Its end has come. It stands here for models that run on it already; use lmi, or djl-mpi where vLLM does not serve.
    """

    ends: ClassVar[str] = "DJL dropped DeepSpeed in 2024 and its last image gets no patches: use lmi or djl-mpi"
    what: ClassVar[str] = "djl-deepspeed"
    source: ClassVar[str] = "model_deepspeed.py"

    name: Literal["djl-deepspeed"]
    """DeepSpeed on several GPUs; at the end of its life."""
    quantize: Literal["smoothquant", "dynamic_int8"] | None = None
    """While the model loads, by the image's own handler instead of ours. Default: not at all."""
    smoothquant_alpha: Annotated[float, Field(ge=0, le=1)] | None = None
    """``quantize: smoothquant`` only. Default: DeepSpeed chooses."""
    max_tokens: Annotated[int, Field(ge=1, le=65_536)] | None = None
    """Of prompt and answer together, for which DeepSpeed takes memory. Default: 1024."""
    replace_with_kernel_inject: bool | None = None
    """Whether DeepSpeed puts its own kernels in the layers' place. Default: no, layers are split as they are."""
    triangular_masking: bool | None = None
    """Whether tokens look back alone; for injected kernels. Default: DeepSpeed's, true."""
    return_tuple: bool | None = None
    """Whether injected layers return a tuple. Default: DeepSpeed's, true."""
    enable_cuda_graph: bool | None = None
    """Whether the forward pass is recorded. Default: DeepSpeed's, false."""
    low_cpu_mem_usage: bool | None = None
    """Whether weights are read without a copy. Default: true."""
    training_mp_size: Annotated[int, Field(ge=1, le=64)] | None = None
    """How many ways a checkpoint of DeepSpeed's own was split in training. Default: DeepSpeed's, 1."""
    checkpoint: (
        Annotated[str, Shape(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}\.json$", "a JSON file of the model's folder")] | None
    ) = None
    """DeepSpeed's own list of a checkpoint's files. Default: transformers reads the weights."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        if self.smoothquant_alpha is not None and self.quantize != "smoothquant":
            findings.add(("smoothquant_alpha",), "has no effect without 'quantize: smoothquant': remove the key")
        for key in ("triangular_masking", "return_tuple", "enable_cuda_graph"):
            if getattr(self, key) is not None and not self.replace_with_kernel_inject and self.quantize is None:
                message = "is for injected kernels: add 'replace_with_kernel_inject: true', or remove the key"
                findings.add((key,), message)
        if self.quantize is not None and self.dtype not in (None, "fp16"):
            findings.add(("dtype",), f"'{self.dtype}' is not what '{self.quantize}' starts from: use 'fp16'")
        if self.training_mp_size is not None and self.checkpoint is None:
            findings.add(("training_mp_size",), "is of a checkpoint of DeepSpeed's own: add 'checkpoint'")
        findings.refuse()
        return self

    def image(self, region: str, machine: InstanceType | None) -> str:  # noqa: ARG002  one for all GPUs
        """Return the last image with DeepSpeed.

        Raises:
            NoImageError: If the region has none.
        """
        return image_uri("djl-deepspeed", VERSION, region)

    def handler(self) -> dict[str, bytes]:
        """Return ours, but where weights are quantised: LMI's own way of that is in no DeepSpeed but its own."""
        return {} if self.quantize is not None else super().handler()

    def model_problems(self, artifact: Artifact, language: LockedLanguage) -> Iterator[tuple[Keys, str]]:
        """Say why DeepSpeed of that time cannot split a model."""
        kind = language.architecture
        if kind not in SPLIT | INJECTED:
            known = ", ".join(sorted(SPLIT | INJECTED))
            yield (
                (),
                f"DeepSpeed 0.12.6 splits no '{kind}', which '{artifact.model}' is: use server: lmi; it knows {known}",
            )
        elif self.replace_with_kernel_inject and kind not in INJECTED:
            known = ", ".join(sorted(INJECTED))
            yield ("replace_with_kernel_inject",), f"there are kernels for {known}, not for '{kind}': remove the key"
        elif kind not in SPLIT and not self.replace_with_kernel_inject and self.quantize is None:
            yield (), f"'{kind}' is split by kernels alone: add 'replace_with_kernel_inject: true'"
        elif self.quantize == "smoothquant" and kind not in SMOOTH:
            yield ("quantize",), f"smoothquant is for {', '.join(sorted(SMOOTH))}, not for '{kind}': use 'dynamic_int8'"
        yield from _newer_words(artifact)
        if self.checkpoint is not None and self.checkpoint not in language.files:
            yield ("checkpoint",), f"'{self.checkpoint}' is none of the model's files"

    def options(self) -> dict[str, str]:
        """Return what DeepSpeed is told."""
        # DJL's own default, and the type that the GPUs of its time were made for.
        told: dict[str, object] = {} if self.dtype is not None else {"dtype": "fp16"}
        if self.quantize is not None:
            told |= {"entryPoint": "djl_python.deepspeed", "task": "text-generation"}
        for key in (
            *("quantize", "smoothquant_alpha", "max_tokens", "replace_with_kernel_inject", "triangular_masking"),
            *("return_tuple", "enable_cuda_graph", "low_cpu_mem_usage", "training_mp_size", "checkpoint"),
        ):
            if getattr(self, key) is not None:
                told[key] = getattr(self, key)
        return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in told.items()}


def _newer_words(artifact: Artifact) -> Iterator[tuple[Keys, str]]:
    """Say that the image's transformers would overlook how positions are turned, and answer wrongly without a word."""
    file = artifact.archive / "config.json"
    config: dict[str, Any] = json.loads(file.read_bytes()) if file.is_file() else {}
    rope = config.get("rope_parameters")
    if not isinstance(rope, dict) or "rope_theta" in config:
        return
    if rope.get("rope_theta", ROPE_BASE) != ROPE_BASE or rope.get("rope_type", "default") != "default":
        says = f"config.json of '{artifact.model}' says 'rope_parameters', as transformers 5 does"
        yield (), f"{says}, and the image's transformers 4.39 reads 'rope_theta': write that key too, and build it anew"
