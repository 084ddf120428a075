"""Which CUDA is in an image of AWS's, and which the driver of a system image was made for."""

from __future__ import annotations

import re
from typing import Final

TRITON: Final = "sagemaker-tritonserver"
_TRITONS: Final = (("25.08", 13), ("23.01", 12), ("20.06", 11))
"""Releases of Triton from which on its images hold a CUDA; their tags do not say it.

Source: NVIDIA, release notes of Triton, read 2026-11: 20.03.1 is on 10.2, 20.06 on 11.0, 22.12 on 11.8, 23.03 on 12.1,
25.03 on 12.8, 25.08 on 13.0."""
_TAGGED: Final = re.compile(r"(?:^|-)cu(\d{2})\d(?:-|$)")
_RELEASE: Final = re.compile(r"(\d{2}\.\d{2})-py3(?!.*-cpu)")

DRIVERS: Final = {
    "al2-ami-sagemaker-inference-gpu-2": 12,
    "al2-ami-sagemaker-inference-gpu-2-1": 12,
    "al2-ami-sagemaker-inference-gpu-3-1": 12,
    "al2023-ami-sagemaker-inference-gpu-4-1": 13,
}
"""The CUDA that each was made for; versions of one first number run on each other's drivers.

Source: botocore 1.43.106, ProductionVariant: InferenceAmiVersion."""


def cuda_of(repository: str, tag: str) -> int | None:
    """Return the first number of the CUDA in an image; None where it has none, or where nothing tells.

    Args:
        repository: Its own name, such as ``djl-inference``.
        tag: Such as ``0.38.0-lmi29.0.0-cu130`` or ``24.09-py3``.
    """
    tagged = _TAGGED.search(tag)
    if tagged is not None:
        return int(tagged[1])
    release = _RELEASE.match(tag) if repository == TRITON else None
    if release is None:
        return None
    return next((cuda for first, cuda in _TRITONS if release[1] >= first), None)
