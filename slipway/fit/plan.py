"""How many GPUs share a model: the fewest that hold it and that divide what vLLM splits among them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from slipway.fit.fit import can_compute, fit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import InstanceType
    from slipway.fit.fit import Fit
    from slipway.fit.model import Model
    from slipway.fit.options import Options

# Source: vllm-project/vllm, 2026-11. Heads: ModelConfig.verify_with_parallel_config, and models/llama.py for those of
# keys. Everything else: `divide` in distributed/utils.py, which refuses a remainder, as ColumnParallelLinear,
# RowParallelLinear and VocabParallelEmbedding call it.
VOCABULARY_PADDING: Final = 64
"""A vocabulary is filled up to a multiple of this. Source: DEFAULT_VOCAB_PADDING_SIZE, vocab_parallel_embedding.py."""
EIGHT_BIT_TILE: Final = 16
"""Products of eight-bit floats take multiples of it. Source: torch.nn.functional.scaled_mm."""


@dataclass(frozen=True)
class Step:
    """One degree that was looked at.

    Args:
        degree: Of tensor parallelism.
        fit: The arithmetic; None where the degree is out before it comes to that.
        reason: Why not; empty where it can be.
    """

    degree: int
    fit: Fit | None
    reason: str

    def line(self) -> str:
        """Return it in words."""
        if self.reason != "" or self.fit is None:
            return f"degree {self.degree:<4} {self.reason}"
        return f"degree {self.degree:<4} fits: {_memory(self.fit)}, room for {self.fit.room_tokens or 0:,} more tokens"


@dataclass(frozen=True)
class Plan:
    """Tensor parallelism on one machine.

    Args:
        machine: Instance type.
        gpus: That it has.
        steps: The degrees that leave no GPU idle, up to the one that is taken, or all of them.
    """

    machine: str
    gpus: int
    steps: tuple[Step, ...]

    @property
    def taken(self) -> Fit | None:
        """The arithmetic of the degree that is taken; None where none can be."""
        last = self.steps[-1] if self.steps else None
        return None if last is None or last.reason != "" else last.fit

    @property
    def degree(self) -> int | None:
        """How many GPUs share the model; None where it cannot be served on this machine."""
        return None if self.taken is None else self.taken.degree

    @property
    def copies(self) -> int:
        """How many copies of the model the machine's GPUs hold."""
        return 0 if self.degree is None else self.gpus // self.degree

    def lines(self) -> list[str]:
        """The arithmetic, a line for each degree, and what comes of it."""
        if self.degree is None:
            return [*(step.line() for step in self.steps), f"no degree serves it on {self.machine}"]
        copies = "one copy" if self.copies == 1 else f"{self.copies} copies"
        return [*(step.line() for step in self.steps), f"planned     {self.degree} of {self.gpus} GPUs: {copies}"]

    def as_dict(self) -> dict[str, Any]:
        """Everything, for machines."""
        return {
            "instance_type": self.machine,
            "gpus": self.gpus,
            "tensor_parallel": self.degree,
            "copies": self.copies,
            "lines": self.lines(),
        }


def plan(model: Model, options: Options, machine: InstanceType, *, tokens: int | None = None) -> Plan | None:
    """Find the smallest tensor-parallel degree whose shards fit.

    Args:
        model: Its facts.
        options: How the server is told to hold it; a degree among them is not looked at.
        machine: What holds it.
        tokens: In flight, of all sequences together.
            Default: one sequence as long as the server lets in.

    Returns:
        None where the machine has no NVIDIA GPU, or its memory or the model's weights are not known.
    """
    gpus = machine.gpus or 0
    if gpus == 0 or fit(model, replace(options, degree=1), machine, tokens=tokens) is None:
        return None
    steps: list[Step] = []
    for degree in (n for n in range(1, gpus + 1) if gpus % n == 0):  # any other leaves GPUs idle
        steps.append(_step(model, options, machine, degree, tokens))
        if steps[-1].reason == "":
            break
    return Plan(machine.name, gpus, tuple(steps))


def _step(model: Model, options: Options, machine: InstanceType, degree: int, tokens: int | None) -> Step:
    reason = next(undividable(model, degree, options.quantization), "")
    if not can_compute(model, options, machine):
        reason = f"{machine.gpu_name} computes in no {options.quantization or model.quantization or options.dtype}"
    if reason != "":
        return Step(degree, None, reason)
    found = fit(model, replace(options, degree=degree), machine, tokens=tokens)
    fits = found is not None and found.fits
    return Step(degree, found, "" if fits or found is None else f"does not fit: {_memory(found)}")


def undividable(model: Model, degree: int, quantization: str | None = None) -> Iterator[str]:
    """Yield what a degree does not divide, in words.

    Args:
        model: Its facts.
        degree: Of tensor parallelism.
        quantization: That the server is told to load, in our spelling.
            Default: the model's own.
    """
    if degree == 1:
        return
    if model.attention_heads and model.attention_heads % degree:
        yield f"does not divide {model.attention_heads} attention heads"
    keys = model.kv_heads if model.latent_dim is None else None
    if keys and keys % degree and degree % keys:
        yield f"neither divides {keys} KV heads nor is a multiple of them"
    if model.vocab_size and ceil(model.vocab_size / VOCABULARY_PADDING) * VOCABULARY_PADDING % degree:
        yield f"does not divide a vocabulary of {model.vocab_size:,}, filled up to a multiple of {VOCABULARY_PADDING}"
    tile, said = _tile(model, quantization or model.quantization)
    for size, what in _split(model):
        if size % degree:
            yield f"does not divide a {what} of {size:,}"
        elif size // degree % tile:
            yield f"cuts a {what} of {size:,} into {size // degree:,}, no multiple of {said}"


def _tile(model: Model, quantization: str | None) -> tuple[int, str]:
    """Return what a GPU's part of a weight's rows must be a multiple of, and why."""
    if quantization == "fp8":
        return EIGHT_BIT_TILE, f"the {EIGHT_BIT_TILE} that fp8 is computed by"
    if quantization == "int4" and model.group_size is not None:
        return model.group_size, f"the {model.group_size} weights that share a scale"
    return 1, ""


def _split(model: Model) -> Iterator[tuple[int, str]]:
    """Yield the sizes that are cut into as many parts as there are GPUs."""
    if model.intermediate_size:
        yield model.intermediate_size, "feed-forward layer"
    if model.attention_heads and model.head_dim and model.latent_dim is None:
        yield model.attention_heads * model.head_dim, "width of all heads"


def _memory(found: Fit) -> str:
    return f"{found.needed_mib:,} of {found.available_mib:,} MiB on {found.place}"
