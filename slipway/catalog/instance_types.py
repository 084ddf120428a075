"""The machines that SageMaker hosts models on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class InstanceType:
    """One hosting type, from ``instance_types.json`` (which names its sources).

    Args:
        name: As SageMaker spells it, ``ml.c7i.xlarge``.
        regions: Where it is sold for hosting; empty for types that are sold nowhere any more.
        vcpus: Virtual CPUs; None where the sources do not know the machine, and so for the rest.
        memory_mib: Main memory.
        gpus: NVIDIA GPUs; 0 without.
        gpu_name: Of each, such as ``A10G``; None without, and so for the next two.
        gpu_memory_mib: Of each GPU, as EC2 gives it.
        compute_capability: NVIDIA's number for what its GPUs can do, 8.9 and above FP8, 8.0 and above bfloat16.
        neuron_devices: Inferentia or Trainium devices; 0 without.
        neuron_name: Of each, such as ``Inferentia2``; None without, and so for the next one.
        neuron_memory_mib: Of each device.
        neuron_cores: Of all devices together, which is what a tensor-parallel degree counts there.
        nvme: Whether it has its own disk, so that VolumeSizeInGB is refused.
        arm64: Whether its processor is Graviton.
        burstable: Whether it runs on CPU credits and so cannot be autoscaled.
    """

    name: str
    regions: frozenset[str]
    vcpus: int | None = None
    memory_mib: int | None = None
    gpus: int | None = None
    gpu_name: str | None = None
    gpu_memory_mib: int | None = None
    compute_capability: float | None = None
    neuron_devices: int = 0
    neuron_name: str | None = None
    neuron_memory_mib: int | None = None
    neuron_cores: int = 0
    nvme: bool | None = None
    arm64: bool | None = None
    burstable: bool | None = None


@cache
def instance_types() -> dict[str, InstanceType]:
    """Every hosting type by name."""
    rows = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))["types"]
    return {name: InstanceType(name, frozenset(row.pop("regions")), **row) for name, row in rows.items()}


@cache
def regions() -> frozenset[str]:
    """Every region that sells at least one hosting type."""
    return frozenset().union(*(instance_type.regions for instance_type in instance_types().values()))
