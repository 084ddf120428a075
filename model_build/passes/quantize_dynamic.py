from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from model_build.work import Pass, Work, present


@dataclass(frozen=True)
class QuantizeDynamic(Pass):
    """Store weights as int8 and quantise what meets them at run time, by the range that it has then.

    The recipe for transformers, whose activations have no range that holds for every text.

    Args:
        per_channel: One scale a column instead of one a matrix. On all-MiniLM-L6-v2 the mean cosine similarity to the
            original is 0.993 with and 0.963 without, at the same speed.
        op_types: Operators that are quantised; Gather is the embedding table, most of a small model's size.
    """

    version: ClassVar[int] = 1
    name: ClassVar[str] = "quantize_dynamic"

    per_channel: bool = True
    op_types: tuple[str, ...] = ("MatMul", "Gemm", "Gather")

    def run(self, work: Work) -> Work:
        """Return the work with the graph quantised."""
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic

        file, graph = work.scratch / "quantized.onnx", onnx.ModelProto()
        graph.CopyFrom(present(work.graph))
        del graph.graph.value_info[:]  # a Gemm's weight is transposed first, which its recorded shape would contradict
        quantize_dynamic(
            graph,
            file,
            op_types_to_quantize=list(self.op_types),
            per_channel=self.per_channel,
            weight_type=QuantType.QInt8,
            # A graph with operators that shape inference does not know is refused without a type to assume.
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )
        return replace(work, graph=onnx.load(file))
