"""Whether an ONNX file is whole: the data beside it is inside its folder, long enough, and finite."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    import onnx

    from model_build.sources.origin import Origin

WEIGHTED = frozenset({"MatMul", "Gemm", "Conv", "ConvTranspose", "Gather", "LayerNormalization", "Attention"})
"""Operators whose weights must be finite; a constant elsewhere may be a mask's infinity."""
PIECE = 1 << 24


def data_files(file: Path) -> list[Path]:
    """Return the files beside an ONNX file that it takes its weights from."""
    import onnx

    graph = onnx.load(file, load_external_data=False).graph
    return sorted({file.parent / _place(tensor)[0] for tensor in _outside(graph)})


def require_whole(origin: Origin, file: Path) -> None:
    """Refuse what reaches for files elsewhere, is cut short, or holds NaN.

    Raises:
        SpecError: Naming the tensor.
    """
    import onnx

    try:
        graph = onnx.load(file, load_external_data=False).graph
    except Exception as error:  # protobuf, whose own errors are not typed
        raise origin.problem("is cut short or is no ONNX file") from error
    for tensor in _outside(graph):
        reason = _unsafe(file.parent, tensor)
        if reason is not None:
            raise origin.problem(f"tensor '{tensor.name}' {reason}")
    weights = {name for node in graph.node if node.op_type in WEIGHTED for name in node.input}
    for tensor in graph.initializer:
        if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16):
            values = _values(origin, file.parent, tensor)
            if not _finite(values, infinity=tensor.name not in weights):
                raise origin.problem(f"tensor '{tensor.name}' holds NaN or infinity: nothing can be built of it")


def _values(origin: Origin, folder: Path, tensor: onnx.TensorProto) -> np.ndarray:
    """Return a tensor's numbers, mapped from the disk where they lie beside the graph; onnx refuses linked files."""
    import numpy as np
    import onnx

    if tensor.data_location != onnx.TensorProto.EXTERNAL:
        return np.asarray(onnx.numpy_helper.to_array(tensor)).reshape(-1)
    said = {entry.key: entry.value for entry in tensor.external_data}
    kind, count = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type), int(np.prod(tensor.dims))
    if count == 0:
        return np.zeros(0, kind)
    try:
        return np.memmap(folder / said["location"], kind, "r", int(said.get("offset", "0")), (count,))
    except ValueError as error:
        raise origin.problem(f"tensor '{tensor.name}' has more numbers than '{said['location']}' holds") from error


def _outside(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    import onnx

    return (each for each in graph.initializer if each.data_location == onnx.TensorProto.EXTERNAL)


def _place(tensor: onnx.TensorProto) -> tuple[str, int]:
    """Return the file's name and where in it the tensor ends."""
    said = {entry.key: entry.value for entry in tensor.external_data}
    try:
        return said.get("location", ""), int(said.get("offset", "0")) + int(said.get("length", "0"))
    except ValueError:
        return "", 0


def _unsafe(folder: Path, tensor: onnx.TensorProto) -> str | None:
    location, end = _place(tensor)
    file = folder / location
    if location == "" or location.startswith("/") or ".." in location.split("/") or "\\" in location:
        return f"lies in '{location}', which leads out of the folder: save its data beside the file"
    if not file.resolve().is_relative_to(folder.resolve()):
        return f"lies in '{location}', which is a link out of the folder: copy it there"
    if not file.is_file():
        return f"lies in '{location}', which does not exist"
    size = file.stat().st_size
    return f"ends at byte {end:,} of '{location}', which is cut short at {size:,}" if end > size else None


def _finite(values: np.ndarray, *, infinity: bool) -> bool:
    import numpy as np

    pieces = (values[at : at + PIECE] for at in range(0, len(values), PIECE))
    return not any(bool((np.isnan(piece) if infinity else ~np.isfinite(piece)).any()) for piece in pieces)
