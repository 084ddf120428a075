"""The two routes that SageMaker asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from serving import engine as engines
from serving import negotiate, routes
from serving.invocations import Invocations

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from serving.engine import Engine
    from serving.settings import Settings

_ACCEPTED = "GET /ping, GET /metrics and POST /invocations"


class App:
    """The ASGI application: `GET /ping` and `POST /invocations`."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._invocations = Invocations(settings)
        self._routes: ASGIApp = Starlette(
            routes=[
                Route("/ping", self._ping, methods=["GET"]),
                Route("/metrics", routes.metrics(self), methods=["GET"]),
                Route("/invocations", routes.Endpoint(self._invoke), methods=["POST"]),
            ],
            exception_handlers={HTTPException: routes.refuse(_ACCEPTED)},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ASGI has it; the one busy route goes past the router, all others through it."""
        if scope["path"] == "/invocations" and scope["method"] == "POST":
            await self._invoke(scope, receive, send)
        else:
            await self._routes(scope, receive, send)

    @property
    def admitted(self) -> int:
        """How many requests are waiting or being answered."""
        return self._invocations.admitted

    @property
    def load(self) -> tuple[int, int]:
        """How many requests the model works on, and how many wait for it."""
        return self._invocations.load

    async def patrol(self) -> None:
        """Look after what waits, for ever."""
        await self._invocations.patrol()

    def drain(self) -> None:
        """Take no more requests; those that were admitted are answered."""
        self._engine.state = engines.DRAINING
        self._invocations.bodies.close()

    async def _ping(self, _request: Request) -> Response:
        state = self._engine.state
        if state == engines.BROKEN:
            self._invocations.prove(self._engine)
        body = b'{"status":"%s"}' % state.encode()
        return Response(body, 200 if state == engines.READY else 503, media_type=negotiate.JSON)

    async def _invoke(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._invocations.invoke(self._engine, scope, receive, send)
