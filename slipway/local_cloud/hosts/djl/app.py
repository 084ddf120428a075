"""The HTTP side: what SageMaker and callers of DJL Serving ask."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from . import LABEL
from .group import BusyError, DownError, GoneError, Group, status_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

_HEADERS = {"x-slipway-host": LABEL}


class Door:
    """Answers over HTTP for a group of ranks.

    Args:
        group: Of one model, which has every name.
    """

    def __init__(self, group: Group) -> None:
        self._group = group

    def app(self) -> Starlette:
        """Return it as an ASGI application."""
        routes = [
            Route("/ping", self._ping, methods=["GET"]),
            Route("/invocations", self._invoke, methods=["POST"]),
            Route("/predictions/{model}", self._invoke, methods=["POST"]),
            Route("/predictions/{model}/{version}", self._invoke, methods=["POST"]),
            Route("/v1/chat/completions", self._invoke, methods=["POST"]),
        ]
        return Starlette(routes=routes)

    async def _ping(self, _request: Request) -> Response:
        group = self._group
        if group.ready:
            return JSONResponse({"health": "healthy!", "host": LABEL}, headers=_HEADERS)
        status = HTTPStatus.SERVICE_UNAVAILABLE if group.failed is None else HTTPStatus.INTERNAL_SERVER_ERROR
        reason = group.failed or "the model is loading"
        return JSONResponse({"health": "unhealthy", "reason": reason, "host": LABEL}, status, _HEADERS)

    async def _invoke(self, request: Request) -> Response:
        headers = {name.title(): value for name, value in request.headers.items()}
        try:
            answer = await self._group.ask(headers, await request.body(), request.is_disconnected)
        except GoneError:
            return Response(status_code=HTTPStatus.REQUEST_TIMEOUT)  # which nobody reads
        except (BusyError, DownError, TimeoutError) as error:
            status, words = status_of(error)
            return JSONResponse({"code": status, "message": words}, status, _HEADERS)
        pieces = answer.body()
        properties = {**answer.properties, **_HEADERS}
        if "jsonlines" in properties.get("Content-Type", "") or "event-stream" in properties.get("Content-Type", ""):
            return StreamingResponse(pieces, answer.code, properties)
        return Response(await _joined(pieces), answer.code, properties)


async def _joined(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])
