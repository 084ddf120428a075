from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from model_build.graph import Graph
from model_build.work import ShapingPass, Work, present

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

SENSITIVE: Final = (
    *("Softmax", "LogSoftmax", "LayerNormalization", "RMSNormalization", "GroupNormalization"),
    *("InstanceNormalization", "BatchNormalization", "LpNormalization", "CumSum", "Range", "Resize", "TopK"),
    *("ReduceMean", "ReduceSum", "ReduceSumSquare", "ReduceL1", "ReduceL2", "ReduceProd", "ReduceLogSumExp"),
    *("GlobalAveragePool", "Exp", "Log", "Pow", "Sqrt", "Reciprocal"),
)
"""Operators that stay in float32: they add up many numbers, or leave what half a float can hold."""


@dataclass(frozen=True)
class ConvertPrecision(ShapingPass):
    """Write into the graph that products and what lies between them are float16; inputs and outputs stay float32.

    TensorRT 11 and TensorRT-RTX take every type from the graph (strong typing) and choose none themselves.

    Args:
        sensitive: Operators that stay in float32.
    """

    version: ClassVar[int] = 1
    name: ClassVar[str] = "convert_precision"

    sensitive: tuple[str, ...] = SENSITIVE

    def shape(self, work: Work, into: Path) -> Graph:
        """Return the graph with its types."""
        model = present(work.graph).as_onnx()
        _Typing(model, self.sensitive).rewrite()
        return Graph.of_onnx(model, into)


class _Typing:
    """One graph on its way from float32 to two types.

    Every float32 value has a float32 name or a float16 name, and a cast makes the other where somebody asks for it.
    """

    def __init__(self, model: onnx.ModelProto, sensitive: tuple[str, ...]) -> None:
        import onnx

        self._graph, self._sensitive = model.graph, sensitive
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
        values = (*inferred.input, *inferred.value_info, *inferred.output)
        kinds = {value.name: value.type.tensor_type.elem_type for value in values}
        kinds.update({tensor.name: tensor.data_type for tensor in self._graph.initializer})
        self._floats = {name for name, kind in kinds.items() if kind == onnx.TensorProto.FLOAT}
        self._unknown = {name for node in self._graph.node for name in node.output if name and not kinds.get(name)}
        self._constants = {tensor.name: tensor for tensor in self._graph.initializer}
        self._answers = {value.name for value in self._graph.output}
        self._half: dict[str, str] = {}
        self._full: dict[str, str] = {}
        self._nodes: list[onnx.NodeProto] = []

    def rewrite(self) -> None:
        for node in list(self._graph.node):
            self._refuse(node)
            self._write(node, half=node.op_type not in self._sensitive and not self._overflows(node))
        for name in self._answers & self._half.keys():
            self._as_full(name)
        del self._graph.node[:], self._graph.value_info[:]
        self._graph.node.extend(self._nodes)
        _drop_unused_constants(self._graph)

    def _refuse(self, node: onnx.NodeProto) -> None:
        if any(attribute.HasField("g") for attribute in node.attribute):
            raise ValueError(
                f"node '{node.name}' ({node.op_type}) has a body of its own, whose types are not rewritten"
            )
        if unknown := [name for name in node.output if name in self._unknown]:
            raise ValueError(f"node '{node.name}' ({node.op_type}): the type of '{unknown[0]}' is not known")

    def _overflows(self, node: onnx.NodeProto) -> bool:
        """Tell whether a constant of the node is beyond what float16 holds: as infinity it would be another model."""
        import numpy as np
        from onnx import numpy_helper

        for name in node.input:
            if name in self._floats and name in self._constants:
                values = numpy_helper.to_array(self._constants[name])
                if np.any(np.isfinite(values) & (np.abs(values) > np.finfo(np.float16).max)):
                    return True
        return False

    def _write(self, node: onnx.NodeProto, *, half: bool) -> None:
        for place, name in enumerate(node.input):
            if name in self._floats:
                node.input[place] = self._as_half(name) if half else self._as_full(name)
        self._nodes.append(node)
        for place, name in enumerate(node.output):
            if name in self._floats and half:
                node.output[place] = self._half[name] = f"{name}_fp16" if name in self._answers else name
                _retype(node)
            elif name in self._floats:
                self._full[name] = name

    def _as_half(self, name: str) -> str:
        from onnx import TensorProto

        if name not in self._half:
            made = f"{name}_fp16"
            if name in self._constants:
                self._graph.initializer.append(_rounded(self._constants[name], made))
            else:
                self._nodes.append(_cast(name, made, TensorProto.FLOAT16))
            self._half[name] = made
        return self._half[name]

    def _as_full(self, name: str) -> str:
        from onnx import TensorProto

        if name in self._half and name not in self._full and name not in self._constants:
            made = name if name in self._answers else f"{name}_fp32"
            self._nodes.append(_cast(self._half[name], made, TensorProto.FLOAT))
            self._full[name] = made
        return self._full.get(name, name)


def _cast(source: str, made: str, kind: int) -> onnx.NodeProto:
    from onnx import helper

    return helper.make_node("Cast", [source], [made], name=f"cast_{made}", to=kind)


def _rounded(tensor: onnx.TensorProto, name: str) -> onnx.TensorProto:
    import numpy as np
    from onnx import numpy_helper

    return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), name)


def _retype(node: onnx.NodeProto) -> None:
    """Let a node whose attributes name its type make float16."""
    from onnx import TensorProto

    for attribute in node.attribute:
        if attribute.name in {"to", "dtype", "output_dtype"} and attribute.i == TensorProto.FLOAT:
            attribute.i = TensorProto.FLOAT16
        elif attribute.name == "value" and attribute.t.data_type == TensorProto.FLOAT:
            attribute.t.CopyFrom(_rounded(attribute.t, attribute.t.name))


def _drop_unused_constants(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
