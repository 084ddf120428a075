from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from model_build.source import ImageClassifier
from model_build.work import Pass, Work, present

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_build.tasks import Feeds


@dataclass(frozen=True)
class QuantizeStatic(Pass):
    """Quantise weights and activations, the latter by the ranges that they had on the calibration data.

    The recipe for convolutions. Never for sentence embedders: all-MiniLM-L6-v2 came out at a mean similarity of 0.93.

    Args:
        per_channel: One scale an output channel instead of one a tensor.
        batch: Calibration inputs looked at together.
    """

    version: ClassVar[int] = 1
    name: ClassVar[str] = "quantize_static"

    per_channel: bool = True
    batch: int = 64

    def run(self, work: Work) -> Work:
        """Return the work with the graph quantised."""
        import onnx
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

        original, file = present(work.original), work.scratch / "quantized.onnx"
        if not isinstance(original, ImageClassifier):
            raise TypeError("static quantisation needs calibration data, which only an ImageClassifier brings")
        inputs = next(iter(present(work.task).traceable().inputs))
        quantize_static(
            present(work.graph),
            file,
            _Calibration(
                {inputs: original.calibration[at : at + self.batch]}
                for at in range(0, len(original.calibration), self.batch)
            ),
            quant_format=QuantFormat.QDQ,
            per_channel=self.per_channel,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return replace(work, graph=onnx.load(file))


class _Calibration:
    """Hand out batches in the way that the calibrator asks for them."""

    def __init__(self, batches: Iterator[Feeds]) -> None:
        self._batches = batches

    def get_next(self) -> Feeds | None:
        return next(self._batches, None)

    def __iter__(self) -> Iterator[Feeds]:
        return self._batches

    def __next__(self) -> Feeds:
        return next(self._batches)
