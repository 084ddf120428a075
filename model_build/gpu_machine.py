"""Whether this machine can prove what a model's target needs a GPU for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from serving import cuda

if TYPE_CHECKING:
    from slipway.specs import ModelSpec


def elsewhere(name: str, spec: ModelSpec) -> str | None:
    """Say why a model's artifact cannot be made here, and where it can; None where it can.

    Args:
        name: Of the model.
        spec: What is asked for.
    """
    if spec.gpu is None:
        return None
    wanted, found = spec.gpu.architecture, _devices()
    if found and found[0].sm == wanted:
        return None
    has = f"this machine's {found[0].name} is SM {found[0].sm}" if found else "this machine has none"
    where = f"a machine whose GPU is SM {wanted}" if spec.gpu.instance_type is None else spec.gpu.instance_type
    needs = f"target gpu is proved and measured on a GPU of SM {wanted}, and {has}"
    return f"{name}: {needs}: build it on {where}; `slipway build {name} --rehearse` does here what needs no GPU"


@cache
def _devices() -> tuple[cuda.Device, ...]:
    return cuda.devices()
