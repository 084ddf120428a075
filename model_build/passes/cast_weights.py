from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from model_build.graph import Graph
from model_build.reshard import keep, rewrite
from model_build.work import ShapingPass, Work, present
from slipway.specs import GateError

if TYPE_CHECKING:
    from pathlib import Path

    import torch

TYPES = {"bf16": "bfloat16", "fp16": "float16"}


@dataclass(frozen=True)
class CastWeights(ShapingPass):
    """Write every floating-point weight of a checkpoint in another type.

    Args:
        dtype: bf16 keeps the range of float32, fp16 more digits and a range that ends at 65,504.
    """

    dtype: Literal["bf16", "fp16"]
    version: ClassVar[int] = 1
    name: ClassVar[str] = "cast_weights"

    def shape(self, work: Work, into: Path) -> Graph:
        """Return the checkpoint in that type; the same files where it is in that type."""
        checkpoint = present(work.checkpoint)
        if all(tensor.dtype == {"bf16": "BF16", "fp16": "F16"}[self.dtype] for tensor in checkpoint.tensors.values()):
            keep(checkpoint, into)
        else:
            rewrite(checkpoint, into, self._cast, said_dtype(checkpoint.config, self.dtype))
        return Graph(into, "safetensors")

    def _cast(self, name: str, weight: torch.Tensor) -> dict[str, torch.Tensor]:
        return {name: cast(name, weight, self.dtype)}


def cast(name: str, weight: torch.Tensor, dtype: str) -> torch.Tensor:
    """Return a weight in another type; what is no floating-point number stays.

    Raises:
        GateError: If one is too large for the type.
    """
    import torch

    if not weight.is_floating_point():
        return weight
    found = weight.to(getattr(torch, TYPES[dtype]))
    if dtype == "fp16" and not bool(found.isfinite().all()):
        raise GateError(f"weight '{name}' has values beyond 65,504, where fp16 ends: use 'bf16'")
    return found


def said_dtype(config: dict[str, object], dtype: str) -> dict[str, object]:
    """Return what config.json says of a type, in the words that it says it in."""
    keys = [key for key in ("torch_dtype", "dtype") if key in config]
    return dict.fromkeys(keys or ["dtype"], TYPES[dtype])
