"""Whether a model fits into a machine, and which is the smallest that it fits into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from slipway.catalog import instance_types
from slipway.fit.need import MIB, Need, host_need_of, need_of
from slipway.fit.options import MAX, Options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.catalog import InstanceType
    from slipway.fit.model import Model

MEMORY_SHARE: Final = 0.9
"""Of a GPU, that vLLM takes where nobody says. Source: aws.github.io/deep-learning-containers/vllm, 2026-11."""
BF16: Final = 8.0
FP8: Final = 8.9
"""Compute capabilities. Source: vLLM, FP8 W8A8; its refusal of bfloat16 below 8.0 (vllm-project/vllm#1157), 2026-11."""


@dataclass(frozen=True)
class Fit:
    """A model on a machine.

    Args:
        model: Its name.
        machine: Instance type.
        degree: How many devices share the model; 1 in main memory.
        device: What holds it, such as ``A10G``, or ``memory``.
        need: Of each device.
        device_mib: What a device has.
        available_mib: What the server takes of it.
        tokens: In flight, that the need is for.
    """

    model: str
    machine: str
    degree: int
    device: str
    need: Need
    device_mib: int
    available_mib: int
    tokens: int

    @property
    def needed_mib(self) -> int:
        """What each device must hold, estimates included."""
        return -(-self.need.total // MIB)

    @property
    def certain_mib(self) -> int:
        """Weights and KV cache alone, which no tuning makes smaller."""
        return -(-(self.need.weights + self.need.cache) // MIB)

    @property
    def fits(self) -> bool:
        """Whether it fits, estimates included."""
        return self.needed_mib <= self.available_mib

    @property
    def room_tokens(self) -> int | None:
        """How many more tokens what is left would hold; None without a KV cache."""
        if not self.need.cache_per_token:
            return None
        return max(0, self.available_mib * MIB - self.need.total) // self.need.cache_per_token

    @property
    def place(self) -> str:
        """What holds it, in words."""
        if self.device == "memory":
            return "the main memory"
        return f"the {self.device}" if self.degree == 1 else f"each of {self.degree} {self.device}"

    def lines(self) -> list[str]:
        """The arithmetic, a line for each step."""
        share = "" if self.available_mib == self.device_mib else f" that the server takes of {self.device_mib:,}"
        room = f", with room for {self.room_tokens:,} more tokens" if self.fits and self.room_tokens is not None else ""
        verdict = f"fits{room}" if self.fits else "does not fit"
        sums = f"{'needed':<12}{self.needed_mib:,} MiB of the {self.available_mib:,} MiB{share}: {verdict}"
        return [*self.need.lines, sums]

    def as_dict(self) -> dict[str, Any]:
        """Everything, for machines."""
        need = self.need
        return {
            "instance_type": self.machine,
            "device": self.device,
            "tensor_parallel": self.degree,
            "fits": self.fits,
            "needed_mib": self.needed_mib,
            "available_mib": self.available_mib,
            "device_mib": self.device_mib,
            "weights_bytes": need.weights,
            "kv_cache_bytes": need.cache,
            "kv_cache_bytes_per_token": need.cache_per_token,
            "activations_bytes": need.activations,
            "runtime_bytes": need.runtime,
            "tokens": self.tokens,
            "room_tokens": self.room_tokens,
            "lines": self.lines(),
        }


def fit(model: Model, options: Options, machine: InstanceType, *, tokens: int | None = None) -> Fit | None:
    """Put a model onto a machine.

    Args:
        model: Its facts.
        options: How the server is told to hold it; without a degree all GPUs share it, if they can.
        machine: What holds it.
        tokens: In flight, of all sequences together.
            Default: one sequence as long as the server lets in.

    Returns:
        None where the model's weights or the machine's memory are not known, or it has too few devices.
    """
    wanted = sequence_tokens(model, options) if tokens is None else tokens
    if not machine.gpus and not machine.neuron_devices:
        need = host_need_of(model, options)
        if need is None or machine.memory_mib is None:
            return None
        return Fit(model.name, machine.name, 1, "memory", need, machine.memory_mib, machine.memory_mib, 0)
    degree = degree_on(model, options, machine)
    memory_mib = machine.gpu_memory_mib
    if degree is None or memory_mib is None or degree * options.pipeline > (machine.gpus or 0):
        return None
    need = need_of(model, options, degree=degree, tokens=wanted)
    if need is None:
        return None
    available = int(memory_mib * (options.memory_share or MEMORY_SHARE))
    return Fit(model.name, machine.name, degree, machine.gpu_name or "GPU", need, memory_mib, available, wanted)


def sequence_tokens(model: Model, options: Options) -> int:
    """Return the longest sequence that is let in; 0 where nothing is cached or nobody knows."""
    if not model.generates:
        return 0
    return options.max_tokens or model.max_tokens or 0


def degree_on(model: Model, options: Options, machine: InstanceType) -> int | None:
    """Return how many GPUs share the model: as said, or the most that divide heads and GPUs; None without a GPU."""
    if not machine.gpus:
        return None
    if isinstance(options.degree, int):
        return options.degree
    gpus = machine.gpus // options.pipeline
    if options.degree == MAX:
        return max(gpus, 1)
    heads = model.attention_heads or gpus
    return max((n for n in range(1, gpus + 1) if gpus % n == 0 and heads % n == 0), default=None)


def smallest(
    model: Model, options: Options, *, region: str | None, tokens: int | None = None, like: InstanceType | None = None
) -> Fit | None:
    """Return the smallest machine that a model fits into: in memory, then in GPUs, then in processors.

    Args:
        model: Its facts.
        options: How the server is told to hold it.
        region: Where the machine must be sold for hosting.
            Default: anywhere.
        tokens: In flight.
            Default: one sequence as long as the server lets in.
        like: A machine whose kind, with GPUs or without, is looked for.
            Default: GPUs for a model that generates text, else none.
    """
    gpus = model.generates if like is None else bool(like.gpus)
    for machine in sorted(_sold(region, gpus=gpus), key=_size):
        found = fit(model, options, machine, tokens=tokens)
        if found is not None and found.fits and can_compute(model, options, machine):
            return found
    return None


def can_compute(model: Model, options: Options, machine: InstanceType) -> bool:
    """Return whether a machine's GPUs compute in what was chosen."""
    if machine.compute_capability is None:
        return True
    least = FP8 if (options.quantization or model.quantization) == "fp8" else BF16 if options.dtype == "bf16" else 0
    return machine.compute_capability >= least


def _sold(region: str | None, *, gpus: bool) -> Iterable[InstanceType]:
    for machine in instance_types().values():
        sold = region in machine.regions if region is not None else machine.regions
        if sold and bool(machine.gpus) == gpus and not machine.neuron_devices and not machine.arm64:
            yield machine


def _size(machine: InstanceType) -> tuple[int, int, int, int, str]:
    gpus, memory = machine.gpus or 0, machine.memory_mib or 0
    return (gpus * (machine.gpu_memory_mib or 0) if gpus else memory, gpus, machine.vcpus or 0, memory, machine.name)
