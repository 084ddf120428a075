from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model_build.graph import Graph
from model_build.work import ShapingPass, Work, present

if TYPE_CHECKING:
    from pathlib import Path

    import onnx


@dataclass(frozen=True)
class UntieHead(ShapingPass):
    """Store weights in the form that they are multiplied in, where the graph turns them over at each call.

    A decoder's last layer is often its embedding table, turned over. Left like that it is not quantised: the table is
    stored in int8, made float again and turned over for every token.
    """

    version: ClassVar[int] = 1
    name: ClassVar[str] = "untie_head"

    def shape(self, work: Work, into: Path) -> Graph:
        """Return the graph with weights of its own where it turned some over."""
        model = present(work.graph).as_onnx()
        untie(model.graph)
        return Graph.of_onnx(model, into)


def untie(graph: onnx.GraphProto) -> None:
    """Replace each Transpose of a constant by a constant; one that nothing else uses any more is dropped."""
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "Transpose" and node.input[0] in constants]:
        order = next((list(each.ints) for each in node.attribute if each.name == "perm"), None)
        turned = numpy_helper.to_array(constants[node.input[0]]).transpose(order)
        graph.initializer.append(numpy_helper.from_array(turned.copy(), node.output[0]))
        graph.node.remove(node)
    used = {name for node in graph.node for name in node.input}
    for name in constants.keys() - used:
        graph.initializer.remove(constants[name])
