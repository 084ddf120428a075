"""The request that a model answers once while it loads, so that the first caller does not wait for it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from slipway.specs.manifest import Tokenize
from slipway.specs.servers.triton_files.tensors import flat, sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.specs.manifest import ServedModel
    from slipway.specs.servers.triton_files.text_format import Message

FILE: Final = "inputs"
FREE: Final = 16
"""Stands for a dimension that a request decides: sixteen tokens."""
_FORMATS: Final = {"float32": "f", "int64": "q"}


def of_zeros(inputs: Sequence[Message], *, batch: bool) -> Message:
    """Return a warm-up of zeros, for a step whose input another step makes."""
    tensors = [_zeros(each) for each in inputs if not each.get("optional", False)]
    return {"name": "zeros", "batch_size": int(batch), "inputs": tensors}


def of_example(inputs: Sequence[Message], served: ServedModel, *, batch: bool) -> Message:
    """Return a warm-up with the manifest's example, whose bytes lie beside the configuration."""
    rows = served.example["inputs"][:1] if batch else served.example["inputs"]
    first = inputs[0]
    if isinstance(served.preprocess, Tokenize):
        dims = [1] if batch else [len(rows), 1]
    else:
        dims = list(sizes(rows[0] if batch else rows)) or [1]
    value = {"data_type": first["data_type"], "dims": dims, "input_data_file": FILE}
    return {"name": "example", "batch_size": int(batch), "inputs": [{"key": first["name"], "value": value}]}


def example(served: ServedModel, *, batch: bool) -> bytes:
    """Return the example's tensor as Triton reads it from a file."""
    rows = served.example["inputs"][:1] if batch else served.example["inputs"]
    if isinstance(served.preprocess, Tokenize):
        texts = [text.encode() for text in rows]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    numbers = list(flat(rows))
    return struct.pack(f"<{len(numbers)}{_FORMATS[served.inputs[0].dtype]}", *numbers)


def _zeros(tensor: Message) -> Message:
    dims = [FREE if size == -1 else size for size in tensor["dims"]]
    value = {"data_type": tensor["data_type"], "dims": dims, "zero_data": True}
    return {"key": tensor["name"], "value": value}
