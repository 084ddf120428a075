from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from model_build.graph import Graph
from model_build.linear_layers import Linears, linear_layers
from model_build.passes.cast_weights import cast, said_dtype
from model_build.reshard import rewrite
from model_build.work import ShapingPass, Work, present

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from compressed_tensors.quantization import QuantizationScheme

    from model_build.checkpoint import Checkpoint

SCHEMES = {"fp8": "FP8_DYNAMIC", "int4": "W4A16"}
"""As compressed-tensors and vLLM call them."""
WEIGHT = ".weight"
PIECE = 1 << 18
"""Numbers that are looked at together: as many as a core keeps near."""
CLIPS = tuple(1 - step / 40 for step in range(11))
"""Scales that are tried, as shares of the one that reaches the largest weight: fewer steps lost to outliers."""


@dataclass(frozen=True)
class QuantizeWeights(ShapingPass):
    """Write the weights of linear layers in few bits, as compressed-tensors packs them and vLLM reads them.

    fp8 has a scale for each row; activations are quantised by token as they come. int4 has a scale for each group, and
    each scale is the one of several that loses least. Neither looks at data. Embedding, norms and head keep 16 bits.

    Args:
        scheme: Eight-bit floats, or four bits.
        group_size: Weights of a row that share a scale; int4 only.
    """

    scheme: Literal["fp8", "int4"]
    group_size: int | None = None
    version: ClassVar[int] = 1
    name: ClassVar[str] = "quantize_weights"

    def unfit(self, work: Work) -> str | None:
        """Say why this checkpoint cannot be quantised; None where it can."""
        checkpoint = present(work.checkpoint)
        if checkpoint.is_quantized:
            method = checkpoint.config["quantization_config"].get("quant_method", "an unknown method")
            return f"it is quantised already, by {method}: use 'as-is'"
        if checkpoint.dtype not in ("fp32", "fp16", "bf16"):
            return f"its weights are {checkpoint.dtype}, no floating-point numbers: use 'as-is'"
        linears = linear_layers(checkpoint)
        return linears if isinstance(linears, str) else self._misaligned(checkpoint, linears)

    def shape(self, work: Work, into: Path) -> Graph:
        """Return the checkpoint with quantised weights, and the config that says so."""
        checkpoint = present(work.checkpoint)
        linears = linear_layers(checkpoint)
        assert not isinstance(linears, str)  # noqa: S101  `unfit` refused it
        dtype = "bf16" if checkpoint.dtype == "fp32" else checkpoint.dtype
        shrink = _Shrink(self._scheme(), frozenset(linears.quantized), dtype)
        said = {"quantization_config": shrink.config(linears.ignored)} | said_dtype(checkpoint.config, dtype)
        rewrite(checkpoint, into, shrink, said)
        return Graph(into, "safetensors")

    def _scheme(self) -> QuantizationScheme:
        from compressed_tensors.quantization import preset_name_to_scheme

        scheme = preset_name_to_scheme(SCHEMES[self.scheme], ["Linear"])
        if self.group_size is not None and scheme.weights is not None:
            scheme.weights.group_size = self.group_size
        return scheme

    def _misaligned(self, checkpoint: Checkpoint, linears: Linears) -> str | None:
        size = self.group_size or 1
        for name in linears.quantized:
            width = checkpoint.tensors[name + WEIGHT].shape[1]
            if width % size:
                return f"'{name}' has rows of {width}, no multiple of group_size {size}: choose a smaller one"
        return None


class _Shrink:
    """From a weight to what stands for it."""

    def __init__(self, scheme: QuantizationScheme, layers: frozenset[str], dtype: str) -> None:
        from compressed_tensors.compressors import BaseCompressor
        from compressed_tensors.compressors.format import infer_module_format
        from torch.nn import Linear

        self._scheme, self._layers, self._dtype = scheme, layers, dtype
        self._format = infer_module_format(Linear, scheme).value
        self._compressor = BaseCompressor.get_value_from_registry(self._format)

    def __call__(self, name: str, weight: torch.Tensor) -> dict[str, torch.Tensor]:
        layer, weight = name.removesuffix(WEIGHT), cast(name, weight, self._dtype)
        if layer not in self._layers or not name.endswith(WEIGHT):
            return {name: weight}
        scale, zero = self._scale(weight)
        packed = self._compressor.compress(
            {"weight": weight, "weight_scale": scale.to(weight.dtype), "weight_zero_point": zero}, self._scheme
        )
        return {f"{layer}.{part}": tensor for part, tensor in packed.items()}

    def config(self, ignored: list[str]) -> dict[str, Any]:
        """Return ``quantization_config``, as transformers and vLLM read it."""
        from compressed_tensors.quantization import QuantizationConfig, QuantizationStatus

        said: dict[str, Any] = QuantizationConfig(
            config_groups={"group_0": self._scheme},
            format=self._format,
            quantization_status=QuantizationStatus.COMPRESSED,
            ignore=ignored,
        ).model_dump(mode="json")
        return said

    def _scale(self, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        import torch
        from compressed_tensors.quantization.utils import calculate_qparams

        arguments = self._scheme.weights
        assert arguments is not None  # noqa: S101  of both schemes
        size = arguments.group_size
        pieces = []
        for rows in torch.split(weight, max(1, PIECE // weight.shape[1])):
            wide = rows.float() if size is None else rows.float().reshape(len(rows), -1, size)
            scale, _ = calculate_qparams(
                wide.amin(-1, keepdim=size is None), wide.amax(-1, keepdim=size is None), arguments
            )
            pieces.append(scale if size is None else _clipped(wide, scale, weight.dtype, arguments.num_bits))
        found = torch.cat(pieces)
        return found, torch.zeros_like(found)


def _clipped(weight: torch.Tensor, scale: torch.Tensor, dtype: torch.dtype, bits: int) -> torch.Tensor:
    """Return for each group the scale that loses least."""
    import torch

    best, kept = torch.full_like(scale, torch.inf), scale
    for clip in CLIPS:
        tried = (scale * clip).to(dtype).float()  # as it will be kept
        lost = _lost(weight, tried.unsqueeze(-1), bits)
        kept, best = torch.where(lost < best, tried, kept), torch.minimum(lost, best)
    return kept


def _lost(weight: torch.Tensor, scale: torch.Tensor, bits: int) -> torch.Tensor:
    """Return the squared error of each group."""
    ends = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return ((weight / scale).round_().clamp_(*ends).mul_(scale).sub_(weight)).square_().sum(-1)
