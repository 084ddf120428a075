"""The folder that the server unpacks: the graph, its companions, and ``manifest.json`` that describes them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from model_build.work import present
from slipway.specs import ServedModel, TensorSpec

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

    from model_build.tasks import Samples
    from model_build.work import Work

MODEL_FILE = "model.onnx"
MANIFEST_FILE = "manifest.json"


def lay_out(work: Work, samples: Samples) -> tuple[Path, ServedModel]:
    """Write the folder.

    Args:
        work: With a finished graph.
        samples: The first becomes the example that the server answers before it says that it is ready.
    """
    folder = work.scratch / "served"
    folder.mkdir()
    described = _describe(work, samples.inputs[0])
    (folder / MODEL_FILE).write_bytes(present(work.graph).SerializeToString(deterministic=True))
    for name, source in present(work.task).files().items():
        shutil.copyfile(source, folder / name)
    (folder / MANIFEST_FILE).write_bytes(as_json(described.model_dump(mode="json")))
    return folder, described


def as_json(document: Any) -> bytes:
    """Return the document as the same bytes every time."""
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _describe(work: Work, example: Any) -> ServedModel:
    task, graph = present(work.task), present(work.graph).graph
    wanted = task.traceable()
    dynamic = next(iter(wanted.inputs.values()))
    outputs = tuple(_tensor(value, dynamic) for value in graph.output if value.name == wanted.output)
    return ServedModel(
        name=work.name,
        digest=work.digest,
        task=work.spec.task,
        target=work.spec.target,
        runtime="onnxruntime",
        model_file=MODEL_FILE,
        inputs=tuple(_tensor(value, wanted.inputs[value.name]) for value in graph.input),
        outputs=outputs,
        preprocess=task.preprocess(),
        postprocess=task.postprocess(outputs[0].shape),
        example={"inputs": [example]},
    )


def _tensor(value: onnx.ValueInfoProto, dynamic: dict[int, str]) -> TensorSpec:
    from onnx import helper

    kind = value.type.tensor_type
    shape = tuple(
        dimension.dim_value if dimension.HasField("dim_value") else dynamic[place]
        for place, dimension in enumerate(kind.shape.dim)
    )
    dtype: Any = helper.tensor_dtype_to_np_dtype(kind.elem_type).name
    return TensorSpec(name=value.name, dtype=dtype, shape=shape)
