from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model_build.graph import BIG_BYTES, Graph
from model_build.work import ShapingPass, Work, present

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import onnx
    import torch

    from model_build.tasks import Task, Traceable


@dataclass(frozen=True)
class Export(ShapingPass):
    """Trace the original into an ONNX graph whose batch (and length) stay free.

    Args:
        opset: Version of the ONNX operators. 23 is the first that has attention as one operator.
    """

    version: ClassVar[int] = 2
    name: ClassVar[str] = "export"

    opset: int = 23

    def shape(self, work: Work, into: Path) -> Graph:
        """Return the model in ONNX."""
        from model_build.sources.onnx_module import OnnxModule
        from model_build.tasks import with_module

        task = with_module(present(work.task), work.module)
        traceable = task.traceable()
        given = task.original.module
        if isinstance(given, OnnxModule):
            graph = given.renamed(traceable.inputs, traceable.output)
            _finish(graph, traceable)
            return Graph.of_onnx(graph, into)
        return write(_trace(task, traceable, self.opset), traceable, into)


def write(program: torch.onnx.ONNXProgram, traceable: Traceable, into: Path) -> Graph:
    """Write what was exported, the same bytes wherever it was made.

    Raises:
        ValueError: If a dimension that shall be free was fixed, or an input was lost.
    """
    import onnx

    from model_build.tasks import weights_bytes

    if weights_bytes(traceable.module) < BIG_BYTES:
        graph = program.model_proto
    else:  # more than a message can hold
        program.save(into / Graph(into).file.name, external_data=True)
        graph = onnx.load(Graph(into).file, load_external_data=False)
    _finish(graph, traceable)
    Graph(into).file.write_bytes(graph.SerializeToString(deterministic=True))
    return Graph(into)


def _trace(task: Task, traceable: Traceable, opset: int) -> torch.onnx.ONNXProgram:
    import torch

    feeds = task.feeds(task.example_shape())
    program = torch.onnx.export(
        traceable.module,
        tuple(torch.from_numpy(feeds[name]) for name in traceable.inputs),
        input_names=list(traceable.inputs),
        output_names=[traceable.output],
        opset_version=opset,
        dynamic_shapes=dynamic_shapes(traceable, {name: torch.export.Dim(name) for name in names(traceable)}),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    return present(program)


def names(traceable: Traceable) -> list[str]:
    """Return what its free dimensions are called."""
    return sorted({dimension for places in traceable.inputs.values() for dimension in places.values()})


def dynamic_shapes(traceable: Traceable, dimensions: Mapping[str, object]) -> tuple[object, ...]:
    """Return one entry an input; a module with ``*tensors`` takes them all in one."""
    import inspect

    entries = tuple({place: dimensions[name] for place, name in places.items()} for places in traceable.inputs.values())
    parameters = inspect.signature(traceable.module.forward).parameters.values()
    variadic = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters)
    return (entries,) if variadic else entries


def _finish(graph: onnx.ModelProto, traceable: Traceable) -> None:
    _require_free_dimensions(graph, traceable)
    _forget_origin(graph)


def _require_free_dimensions(graph: onnx.ModelProto, traceable: Traceable) -> None:
    """Refuse a graph that fixed a dimension which shall be free, or lost an input."""
    found = {value.name: value.type.tensor_type.shape.dim for value in graph.graph.input}
    if set(found) != set(traceable.inputs):
        raise ValueError(f"the graph takes {sorted(found)}, the model {sorted(traceable.inputs)}: an input is not used")
    for name, places in traceable.inputs.items():
        for place, dimension in places.items():
            if found[name][place].HasField("dim_value"):
                size = found[name][place].dim_value
                raise ValueError(f"{name}: the {dimension} is fixed at {size}: the module must take any")


def _forget_origin(graph: onnx.ModelProto) -> None:
    """Drop stack traces and paths: the bytes must not depend on where or by whom they were made."""
    graph.doc_string = graph.producer_name = graph.producer_version = ""
    del graph.metadata_props[:]
    inner = graph.graph
    inner.name, inner.doc_string = "model", ""
    del inner.metadata_props[:]
    for item in (*inner.node, *inner.input, *inner.output, *inner.value_info, *inner.initializer):
        item.doc_string = ""
        del item.metadata_props[:]
