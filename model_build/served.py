"""The folder that the server unpacks: the graph, its companions, and ``manifest.json`` that describes them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

from model_build.graph import encoder_folder, link
from model_build.work import present
from slipway.specs import ServedModel, TensorSpec

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

    from model_build.graph import Graph
    from model_build.tasks import Samples
    from model_build.work import Work

MANIFEST_FILE = "manifest.json"


def lay_out(work: Work, samples: Samples) -> tuple[Path, ServedModel]:
    """Write the folder.

    Args:
        work: With a finished graph.
        samples: The first becomes the example that the server answers before it says that it is ready.
    """
    folder = work.scratch / "served"
    folder.mkdir(parents=True)
    described = _describe(work, samples.inputs[0])
    for graph, into in _parts(present(work.graph), folder):
        into.mkdir(exist_ok=True)
        for source in graph.files():
            link(source, into / source.name)
    for name, content in present(work.task).files().items():
        if isinstance(content, str):
            (folder / name).write_text(content, encoding="utf-8")
        else:
            shutil.copyfile(content, folder / name)
    if described.handler is not None:
        shutil.copyfile(work.source_folder / described.handler, folder / described.handler)
    absent = {"handler"} if described.handler is None else set()
    (folder / MANIFEST_FILE).write_bytes(as_json(described.model_dump(mode="json", exclude=absent)))
    return folder, described


def _parts(graph: Graph, folder: Path) -> list[tuple[Graph, Path]]:
    """Return each graph with the folder that the server reads it from."""
    encoder = graph.encoder()
    return [(graph, folder)] if encoder is None else [(graph, folder), (encoder, encoder_folder(folder))]


def as_json(document: Any) -> bytes:
    """Return the document as the same bytes every time."""
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _describe(work: Work, example: Any) -> ServedModel:
    task, graph = present(work.task), present(work.graph)
    if graph.runtime == "aotinductor":
        raise AssertionError("a peer is timed, never served")
    wanted = task.traceable()
    inputs, outputs = _tensors(graph)
    dynamic = next(iter(wanted.inputs.values()))
    answers = tuple(_named(tensor, dynamic) for tensor in outputs if tensor.name == wanted.output)
    assert graph.runtime != "safetensors"  # noqa: S101  a language model's files are served as they are
    more = tuple(_named(tensor, wanted.more[tensor.name]) for tensor in outputs if tensor.name in wanted.more)
    return ServedModel(
        name=work.name,
        digest=work.digest,
        task=work.spec.task,
        target=work.spec.target,
        runtime=graph.runtime,
        options=graph.options,
        model_file=graph.file.name,
        handler=None if work.spec.serve is None else work.spec.serve.handler,
        inputs=tuple(_named(tensor, wanted.inputs[tensor.name]) for tensor in inputs),
        outputs=(*answers, *more),
        preprocess=task.preprocess(),
        postprocess=task.postprocess(answers[0].shape),
        example={"inputs": [example]},
    )


class _Tensor(NamedTuple):
    name: str
    dtype: Any
    shape: tuple[int | None, ...]
    """None where any size is taken."""


def _tensors(graph: Graph) -> tuple[list[_Tensor], list[_Tensor]]:
    """Return what goes in and what comes out."""
    if graph.runtime != "openvino":
        import onnx

        model = onnx.load(graph.interface, load_external_data=False).graph
        return [_of_onnx(value) for value in model.input], [_of_onnx(value) for value in model.output]
    model = graph.as_openvino()
    return [_of_openvino(port) for port in model.inputs], [_of_openvino(port) for port in model.outputs]


def _of_onnx(value: onnx.ValueInfoProto) -> _Tensor:
    from onnx import helper

    kind = value.type.tensor_type
    sizes = (size.dim_value if size.HasField("dim_value") else None for size in kind.shape.dim)
    return _Tensor(value.name, helper.tensor_dtype_to_np_dtype(kind.elem_type).name, tuple(sizes))


def _of_openvino(port: Any) -> _Tensor:
    import numpy as np

    sizes = (size.get_length() if size.is_static else None for size in port.get_partial_shape())
    return _Tensor(port.any_name, np.dtype(port.element_type.to_dtype()).name, tuple(sizes))


def _named(tensor: _Tensor, dynamic: dict[int, str]) -> TensorSpec:
    shape = tuple(dynamic[place] if size is None else size for place, size in enumerate(tensor.shape))
    return TensorSpec(name=tensor.name, dtype=tensor.dtype, shape=shape)
