"""Whether weights are whole, finite, and safe to read."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

from slipway.specs import HostError

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from model_build.sources.origin import Origin

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")
PIECE = 1 << 24
HEADER_MOST = 100 << 20


def require_weights(origin: Origin, folder: Path) -> None:
    """Refuse a folder whose weights are cut short, or are pickles that nobody trusts.

    Raises:
        SpecError: Naming the file, with the mend.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    whole = [path for path in files if path.suffix == ".safetensors"]
    for path in whole:
        reason = _broken(path)
        if reason is not None:
            raise origin.problem(f"{path.relative_to(folder)} {reason}")
    pickles = [path for path in files if path.suffix in PICKLES and path.name != "training_args.bin"]
    if pickles and not whole and not origin.source.trust:
        mend = "convert it to safetensors, or say 'trust: true' if you know who wrote it"
        raise origin.problem(f"{pickles[0].relative_to(folder)} is a pickle, which runs code as it is read: {mend}")


def _broken(path: Path) -> str | None:
    """Say what is wrong with a safetensors file by its header: eight bytes of length, then the tensors' places."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0  # noqa: PLR2004  see above
        if not 0 < length <= min(size - 8, HEADER_MOST):
            return f"is cut short or is not safetensors ({size:,} bytes)"
        try:
            header = json.loads(file.read(length))
            ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            return "is not safetensors: its header cannot be read"
    needed = 8 + length + max(ends, default=0)
    return None if size == needed else f"is cut short: {size:,} bytes of {needed:,}"


def not_finite(module: torch.nn.Module) -> str | None:
    """Return the name of a parameter that holds NaN or infinity, or of a buffer that holds NaN; None where none does.

    A buffer may hold infinity: masks do.
    """
    parameters = ((name, tensor, False) for name, tensor in module.named_parameters())
    buffers = ((name, tensor, True) for name, tensor in module.named_buffers())
    for name, tensor, infinity in (*parameters, *buffers):
        if tensor.is_floating_point() and not _all(tensor, infinity=infinity):
            return name
    return None


def is_finite(tensor: torch.Tensor) -> bool:
    """Return whether a weight holds neither NaN nor infinity."""
    return _all(tensor, infinity=False)


def _all(tensor: torch.Tensor, *, infinity: bool) -> bool:
    """Look piece by piece: a mask over all of a large table would take a quarter of it again."""
    import torch

    pieces = torch.split(tensor.detach().reshape(-1), PIECE)
    return not any(bool((piece.isnan() if infinity else ~piece.isfinite()).any()) for piece in pieces)


def loading(origin: Origin, error: Exception) -> Exception:
    """Return the error for a library that cannot read a folder."""
    if isinstance(error, MemoryError):
        return error
    first = next((line.strip() for line in str(error).splitlines() if line.strip() != ""), "")
    if isinstance(error, ImportError):
        return HostError(f"{origin.folder.name}: cannot be read here: {first}")
    return origin.problem(f"cannot be loaded: {type(error).__name__}: {first}")
