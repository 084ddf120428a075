"""The system image of a machine with GPUs, whose driver must be as new as the CUDA of the container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.catalog import InstanceType

CUDA_12: Final = "al2-ami-sagemaker-inference-gpu-2"
"""Driver 535. Source: botocore 1.43.106, ProductionVariant: InferenceAmiVersion."""
CUDA_13: Final = "al2023-ami-sagemaker-inference-gpu-4-1"
"""Driver 580. Source: likewise."""
_OLDEST_FIRST: Final = (CUDA_12, CUDA_13)
_FIRST_13, _FIRST_12 = 13, 12

OLD_DRIVER: Final = frozenset({"g4dn", "g5", "p3", "p4d", "p4de"})
"""Families that have driver 470, of CUDA 11.4, unless an image is named; all others have 535 or a newer one.

Source: SageMaker's guide, "Best practices to minimize interruptions during GPU driver upgrades", 2026-11."""


def ami_for(cuda: int) -> str | None:
    """Return a system image whose driver is as new as a CUDA of this first number; None where any will do."""
    return CUDA_13 if cuda >= _FIRST_13 else None


def ami_on(cuda: int, machine: InstanceType) -> str | None:
    """Return the same for an image that brings no libraries which an older driver could do with."""
    if _FIRST_12 <= cuda < _FIRST_13 and machine.name.split(".")[1] in OLD_DRIVER:
        return CUDA_12
    return ami_for(cuda)


def newest(amis: Iterable[str | None]) -> str | None:
    """Return the system image that suits all: drivers run what is older than they are."""
    return max(filter(None, amis), key=_OLDEST_FIRST.index, default=None)
