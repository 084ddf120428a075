from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from model_build.mixing import mix
from model_build.work import ShapingPass, Work, present

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    import numpy as np
    import openvino

    from model_build.graph import Graph

STEPS: Final = 255
MATRIX: Final = 2


@dataclass(frozen=True)
class CompressMixed(ShapingPass):
    """Store the weights of products in int8, a few to a scale, and leave in float the layers that the gate cannot bear.

    What meets them is rounded to eight bits as it comes, by groups too, where the processor multiplies such numbers.
    Nothing has a range that was calibrated, so that a single layer costs ten to a hundred times less than in
    ``quantize_mixed``: on all-MiniLM-L6-v2 many layers fit below a loss of 0.0001. Embeddings, which are looked up and
    not computed with, stay as they are.

    Args:
        gate: That has to hold, in words: another gate makes another form.
        group: Weights of an output that share a scale, where their count is a multiple; else all of them do.
        rounded: Activations that share a scale.
        samples: Calibration inputs looked at, at most.
    """

    version: ClassVar[int] = 2
    name: ClassVar[str] = "compress_mixed"

    gate: str
    group: int = 64
    rounded: int = 32
    samples: int = 128

    def unfit(self, work: Work) -> str | None:
        """Ask for calibration data, with which each layer is measured."""
        return present(work.task).calibration_missing(work.spec)

    def shape(self, work: Work, into: Path) -> Graph:
        """Return the graph compressed but for the layers that stay."""
        inputs = list(present(work.task).calibration(work.spec, work.source_folder))[: self.samples]
        blend = _Grouped(present(work.graph).as_openvino(), self.group)
        return mix(work, blend, inputs, into, {"DYNAMIC_QUANTIZATION_GROUP_SIZE": str(self.rounded)})


class _Grouped:
    """The exact model, any of whose products can be given weights in eight bits."""

    def __init__(self, exact: openvino.Model, group: int) -> None:
        self._exact, self._group = exact, group
        weights = {node.get_friendly_name(): _weight(node) for node in exact.get_ordered_ops()}
        self.worth: Mapping[str, float] = {
            name: float(weight.data.size) for name, weight in weights.items() if weight is not None
        }

    def model(self, floats: Collection[str]) -> openvino.Model:
        """Return the model."""
        model = self._exact.clone()
        for node in model.get_ordered_ops():
            if node.get_friendly_name() in self.worth.keys() - set(floats):
                node.input(1).replace_source_output(self._compressed(node).output(0))
        model.validate_nodes_and_infer_types()
        return model

    def _compressed(self, node: Any) -> Any:
        """Return what the runtime takes for a weight in eight bits: a table, a zero and a step for each group."""
        import numpy as np
        from openvino import opset15 as op

        transposed = node.get_attributes()["transpose_b"]
        weight = _weight(node).data
        rows = weight if transposed else weight.T
        values, zeros, steps = _rounded(rows, self._group if rows.shape[1] % self._group == 0 else rows.shape[1])
        shifted = op.subtract(op.convert(op.constant(values), "f32"), op.convert(op.constant(zeros), "f32"))
        shape = op.constant(np.asarray(rows.shape))
        whole = op.reshape(op.multiply(shifted, op.constant(steps)), shape, special_zero=False)
        return whole if transposed else op.transpose(whole, op.constant(np.asarray([1, 0])))


def _weight(node: Any) -> Any:
    """Return the constant matrix that a product multiplies with, or None."""
    if node.get_type_name() != "MatMul":
        return None
    constant = node.input_value(1).get_node()
    return constant if constant.get_type_name() == "Constant" and len(constant.shape) == MATRIX else None


def _rounded(rows: np.ndarray, group: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return whole numbers, and the zero and the step of each group of a row."""
    import numpy as np

    groups = rows.reshape(len(rows), -1, group)
    low = np.minimum(groups.min(axis=2, keepdims=True), 0)
    steps = np.maximum((np.maximum(groups.max(axis=2, keepdims=True), 0) - low) / STEPS, np.float32(1e-12))
    zeros = np.rint(-low / steps)
    values = np.clip(np.rint(groups / steps) + zeros, 0, STEPS)
    return values.astype(np.uint8), zeros.astype(np.uint8), steps.astype(np.float32)
