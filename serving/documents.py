"""What a request's body says, and an answer's bytes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from serving import npy
from serving.errors import InputError, RequestError
from serving.negotiate import NPY
from serving.nested import json_name

if TYPE_CHECKING:
    from serving.model import Model

_LINE = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE


def read(body: bytes, accepted: tuple[str, ...]) -> dict[str, Any]:
    """Return a request's document, whose `inputs` are a list.

    Args:
        body: Its JSON.
        accepted: The keys that it may have.

    Raises:
        RequestError: If it is no such document.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, "malformed_json", f"body: {error}") from error
    if type(document) is not dict:
        raise InputError(f'body: {json_name(document)} where an object belongs, accepted: {{"inputs": [...]}}')
    for key in document:
        if key not in accepted:
            raise InputError(f"body: unknown key {key[:40]!r}, accepted: {', '.join(map(repr, accepted))}")
    if "inputs" not in document:
        raise InputError("body: 'inputs' is missing, accepted: {\"inputs\": [...]}")
    inputs = document["inputs"]
    if type(inputs) is not list:
        raise InputError(f"inputs: {json_name(inputs)} where an array belongs")
    return document


def write(model: Model, result: np.ndarray, wanted: str) -> bytes:
    """Return an answer, which must be finite, in the media type that is wanted."""
    if wanted == NPY:
        return npy.dumps(result)
    return orjson.dumps(model.document(result), option=orjson.OPT_SERIALIZE_NUMPY)


def line(model: Model, result: np.ndarray) -> bytes:
    """Return the answer to one input as a line of JSON.

    Raises:
        FloatingPointError: If it is not finite.
    """
    require_finite(result)
    writes = model.handler is not None and model.handler.writes
    return orjson.dumps(model.document(result) if writes else model.postprocess.lines(result)[0], option=_LINE)


def is_finite(result: np.ndarray) -> bool:
    """Tell whether all numbers are: a sum of them is one step where they are."""
    with np.errstate(all="ignore"):
        return math.isfinite(result.sum()) or bool(np.isfinite(result).all())


def require_finite(result: np.ndarray) -> None:
    """Refuse an answer that JSON has no words for.

    Raises:
        FloatingPointError: If it is not finite.
    """
    if not is_finite(result):
        raise FloatingPointError("the model's answer is not finite")
