"""Whether each model of a multi-model endpoint fits into its machine, as the model server accounts for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.catalog import instance_types

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys
    from slipway.specs.multi_model_endpoint import MultiModelEndpointSpec

MIB: Final = 1 << 20
MEMORY_VARIABLE: Final = "SLIPWAY_MODELS_MEMORY_MIB"
# As in serving/memory.py, which imports nothing of ours; a test holds them together.
SHARE_OF_MODELS: Final = 0.7
BYTES_PER_BYTE: Final = 2
BYTES_PER_MODEL: Final = 4 * MIB


def too_large(spec: MultiModelEndpointSpec, artifacts: Mapping[str, Artifact]) -> Iterator[tuple[Keys, str]]:
    """Find models that could never be loaded.

    All together need not fit: the one that was asked for least recently makes room for the next.
    """
    room_mib = models_memory_mib(spec)
    for index, model in enumerate(spec.models or ()):
        artifact = artifacts.get(model)
        if artifact is None or room_mib is None:
            continue
        needed_mib = -(-(artifact.locked.archive.size_bytes * BYTES_PER_BYTE + BYTES_PER_MODEL) // MIB)
        if needed_mib > room_mib:
            message = f"'{model}' takes {needed_mib:,} MiB once loaded and models have {room_mib:,} MiB"
            yield ("models", index), f"{message}: {_mend(spec)}, or leave it out"


def _mend(spec: MultiModelEndpointSpec) -> str:
    if MEMORY_VARIABLE in spec.environment:
        return f"raise environment.{MEMORY_VARIABLE}"
    return f"choose a larger machine than '{spec.instance_type}'"


def models_memory_mib(spec: MultiModelEndpointSpec) -> int | None:
    """Return what all loaded models may take together; None where the machine is not known."""
    given = spec.environment.get(MEMORY_VARIABLE, "")
    if given.isdecimal():
        return int(given)
    memory_mib = instance_types()[spec.instance_type].memory_mib
    return None if memory_mib is None else int(memory_mib * SHARE_OF_MODELS)
