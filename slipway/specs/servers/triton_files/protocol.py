"""Requests and answers in the Open Inference Protocol, which Triton speaks, for inputs as our own server takes them."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

from slipway.specs.manifest import Classify, Embed, Tokenize
from slipway.specs.servers.triton_files.tensors import INPUTS, flat, sizes

if TYPE_CHECKING:
    from slipway.specs.manifest import ServedModel

_TYPES: Final = {"float32": "FP32", "int64": "INT64"}


def request(served: ServedModel, inputs: list[Any], *, plain: bool) -> dict[str, Any] | None:
    """Return a request; None where the graph alone is asked, which takes no texts."""
    if isinstance(served.preprocess, Tokenize):
        texts = {"name": INPUTS, "shape": [len(inputs), 1], "datatype": "BYTES", "data": inputs}
        return None if plain else {"inputs": [texts]}
    taken = served.inputs[0]
    shape = list(sizes(inputs))
    data = list(flat(inputs))
    name = taken.name if plain else INPUTS
    return {"inputs": [{"name": name, "shape": shape, "datatype": _TYPES[taken.dtype], "data": data}]}


def answer(served: ServedModel, document: dict[str, Any]) -> dict[str, Any]:
    """Return an answer in the words of our own server; one of the graph alone keeps the names of its tensors."""
    found = {tensor["name"]: _rows(tensor["data"], tensor["shape"]) for tensor in document["outputs"]}
    if isinstance(served.postprocess, Classify) and "label" in found:
        rows = zip(found["label"], found["score"], found["scores"], strict=True)
        return {"predictions": [{"label": row[0][0], "score": row[1][0], "scores": row[2]} for row in rows]}
    if isinstance(served.postprocess, Embed) or "outputs" not in found:
        return found
    return {"inputs": found["outputs"]}


def _rows(data: list[Any], shape: list[int]) -> list[Any]:
    if len(shape) <= 1:
        return data
    size = prod(shape[1:])
    return [_rows(data[at * size : (at + 1) * size], shape[1:]) for at in range(shape[0])]
