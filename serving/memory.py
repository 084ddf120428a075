"""How much memory a container has for models, and how much a model takes."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

_MEBI = 1024 * 1024

# What is left to the interpreter and to the requests that are being answered. A guess: MiniLM takes some 2 MiB a text.
SHARE_OF_MODELS = 0.7

# Measured, onnxruntime 1.31 on x86-64, one session: MiniLM int8 (23 MB) takes 37 MB, fp32 (91 MB) takes 115 MB, a model
# of a few bytes 2 MB. While a model is being read its weights are in memory twice.
BYTES_PER_BYTE = 2
BYTES_PER_MODEL = 4 * _MEBI

_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def for_models_mib() -> int:
    """Return the share of the container's memory that models may take."""
    return max(1, int(_container_bytes() * SHARE_OF_MODELS) // _MEBI)


def cost_bytes(folder: Path) -> int:
    """Return what the model in `folder` is accounted for, from the size of its files."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return size * BYTES_PER_BYTE + BYTES_PER_MODEL


def give_back() -> None:
    """Hand memory that was freed back to the machine: the C library keeps it otherwise."""
    with suppress(OSError, AttributeError):  # another C library than glibc has no such function
        ctypes.CDLL(None).malloc_trim(0)


def _container_bytes() -> int:
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in _LIMITS:
        with suppress(OSError, ValueError):  # no such control group, or "max"
            limits.append(int(Path(name).read_text()))
    return min(limits)
