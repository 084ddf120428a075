"""The JSON protocol: from request bytes to one operation and back."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

from .errors import ApiError, not_modelled
from .shapes import check

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from slipway.local_cloud.places import Place

    Answer = dict[str, Any]
    Operation = Callable[[Place, dict[str, Any]], Answer | Awaitable[Answer]]
    Body = Callable[..., Awaitable[None]]  # sends itself, given ASGI's receive and send
    StreamedResponse = tuple[int, dict[str, str], Body]

Response = tuple[int, dict[str, str], bytes]


async def call(model: Any, operations: Mapping[str, Operation], place: Place, target: str, body: bytes) -> Response:
    """Answer one call of a JSON-protocol service.

    Args:
        model: botocore's model of the service: it knows every operation and checks the request.
        operations: Those that this cloud does.
        place: Whose call it is.
        target: The ``X-Amz-Target`` header.
        body: The request as it came.
    """
    try:
        answer = await _answer(model, operations, place, target.rpartition(".")[2], body)
    except ApiError as error:
        return refusal(error)
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()


async def _answer(
    model: Any, operations: Mapping[str, Operation], place: Place, name: str, body: bytes
) -> dict[str, Any]:
    if name not in model.operation_names:
        raise ApiError("UnknownOperationException", f"{model.service_name} has no operation {name!r}")
    if name not in operations:
        raise not_modelled(f"{model.service_name}:{name}")
    params = _parsed(body)
    check(model.operation_model(name).input_shape, params)
    answer = operations[name](place, params)
    return await answer if inspect.isawaitable(answer) else answer


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        params = json.loads(body or b"{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ApiError("SerializationException", "the request body is not JSON") from None
    if not isinstance(params, dict):
        raise ApiError("SerializationException", "the request body is not a JSON object")
    return params


def _refuse_constant(constant: str) -> None:
    raise ValueError(constant)  # NaN and infinity are Python's, not JSON's


def refusal(error: ApiError) -> Response:
    """Return a refused call as both JSON protocols write it."""
    body = {"__type": error.code, "message": error.message, **error.fields}
    headers = {"Content-Type": "application/json", "x-amzn-errortype": error.code}
    return error.status, headers, json.dumps(body).encode()
