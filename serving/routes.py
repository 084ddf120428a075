"""What both applications need of Starlette: an endpoint that is a bare ASGI call, and refusals in our words."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from starlette.exceptions import HTTPException
from starlette.responses import Response

from serving.errors import RequestError
from serving.exchange import Exchange
from serving.metrics import MEDIA_TYPE, METRICS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from serving.team import Member


class Loaded(Protocol):
    """What knows how busy it is."""

    @property
    def member(self) -> Member | None:
        """Its place among several workers."""

    @property
    def load(self) -> tuple[int, int]:
        """How many requests the model works on, and how many wait for it."""


class Endpoint:
    """Starlette hands an object, unlike a function, the bare ASGI call: no Request, no Response."""

    def __init__(self, call: ASGIApp) -> None:
        self._call = call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on."""
        await self._call(scope, receive, send)


def refuse(accepted: str) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return a handler of what Starlette itself refuses; it says what is accepted."""

    async def handle(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  registered for it alone
        return _Refusal(error, accepted)

    return handle


def metrics(app: Loaded) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that tells Prometheus what was counted."""

    async def tell(_request: Request) -> Response:
        in_flight, queued = app.load
        counted = METRICS if app.member is None else app.member.metrics()
        return Response(counted.text(in_flight=in_flight, queued=queued), media_type=MEDIA_TYPE)

    return tell


class _Refusal(Response):
    """What Starlette itself refuses, in the words of all our refusals."""

    def __init__(self, error: HTTPException, accepted: str) -> None:
        super().__init__(status_code=error.status_code)
        self._error = error
        self._accepted = accepted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's arguments
        status = HTTPStatus(self._error.status_code)
        headers = tuple((key.lower().encode(), value.encode()) for key, value in (self._error.headers or {}).items())
        message = f"{scope['method']} {scope['path']}: {status.phrase.lower()}, accepted: {self._accepted}"
        await Exchange(scope, send).refuse(RequestError(status, status.name.lower(), message, headers))
