"""How tensors of a manifest stand in a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.specs.manifest import Classify, Embed, Generate, Rewrite, TensorSpec, Tokenize
from slipway.specs.servers.triton_files.text_format import Word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slipway.specs.manifest import ServedModel
    from slipway.specs.servers.triton_files.text_format import Message

_TYPES: Final = {"float32": Word("TYPE_FP32"), "int64": Word("TYPE_INT64"), "int32": Word("TYPE_INT32")}
STRING: Final = Word("TYPE_STRING")
INPUTS: Final = "inputs"
"""What a caller sends, whatever the graph calls its own input."""


def batched(served: ServedModel) -> bool:
    """Tell whether the graph takes several inputs at once: then every tensor begins with a free dimension."""
    return all(len(it.shape) > 0 and isinstance(it.shape[0], str) for it in (*served.inputs, *served.outputs))


def tensor(name: str, kind: Word, shape: Iterable[int | str], *, batch: bool) -> Message:
    """Return an input or output; Triton adds the batch to the dimensions itself, and has none that are empty."""
    dims = [size if isinstance(size, int) else -1 for size in shape][int(batch) :]
    return {"name": name, "data_type": kind, "dims": dims} if dims else _reshaped(name, kind)


def of_graph(tensors: Iterable[TensorSpec], *, batch: bool) -> list[Message]:
    """Return tensors of the graph under their own names."""
    return [tensor(it.name, _TYPES[it.dtype], it.shape, batch=batch) for it in tensors]


def asked(served: ServedModel) -> list[Message]:
    """Return what a caller sends: texts, or the graph's one tensor under a name that all models share."""
    batch = batched(served)
    if isinstance(served.preprocess, Tokenize):
        texts = tensor(INPUTS, STRING, ("texts", 1), batch=batch)
        wishes = {**tensor("parameters", STRING, ("texts", 1), batch=batch), "optional": True}
        return [texts, wishes] if generates(served) else [texts]
    return [tensor(INPUTS, _TYPES[served.inputs[0].dtype], served.inputs[0].shape, batch=batch)]


def answered(served: ServedModel) -> list[Message]:
    """Return what a caller gets, named as the keys of our own server's answer."""
    batch, after = batched(served), served.postprocess

    def row(name: str, kind: Word, size: int) -> Message:
        return tensor(name, kind, ("batch", size), batch=batch)

    if isinstance(after, Embed):
        return [row("embeddings", _TYPES["float32"], after.dimensions)]
    if isinstance(after, Classify):
        scores = row("scores", _TYPES["float32"], len(after.labels))
        return [row("label", STRING, 1), row("score", _TYPES["float32"], 1), scores]
    if isinstance(after, (Generate, Rewrite)):
        texts = [row("generated_text", STRING, 1), row("finish_reason", STRING, 1)]
        return [*texts, row("generated_tokens", _TYPES["int32"], 1)]
    return [tensor("outputs", _TYPES["float32"], served.outputs[0].shape, batch=batch)]


def generates(served: ServedModel) -> bool:
    """Tell whether an answer is made token by token."""
    return isinstance(served.postprocess, (Generate, Rewrite))


def sizes(nested: Any) -> Iterator[int]:
    """Yield the size of each dimension of nested lists."""
    while isinstance(nested, list):
        yield len(nested)
        nested = nested[0]


def flat(nested: Any) -> Iterator[Any]:
    """Yield what nested lists hold, in order."""
    if not isinstance(nested, list):
        yield nested
        return
    for each in nested:
        yield from flat(each)


def _reshaped(name: str, kind: Word) -> Message:
    return {"name": name, "data_type": kind, "dims": [1], "reshape": {"shape": ()}}
