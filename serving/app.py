"""The two routes that SageMaker asks for."""

from __future__ import annotations

import asyncio
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
    from serving.team import Member

_TELL_SECONDS = 0.05
_ACCEPTED = "GET /ping, GET /metrics and POST /invocations"


class App:
    """The ASGI application: `GET /ping` and `POST /invocations`."""

    def __init__(self, engine: Engine, settings: Settings, member: Member | None = None) -> None:
        self._engine = engine
        self.member = member
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
        if self.member is None:
            await self._invocations.patrol()
        else:
            await asyncio.gather(self._invocations.patrol(), self._tell(self.member))

    async def _tell(self, member: Member) -> None:
        try:
            while True:
                member.tell(ready=self._engine.state == engines.READY)
                await asyncio.sleep(_TELL_SECONDS)
        finally:
            member.tell(ready=False)

    def drain(self) -> None:
        """Take no more requests; those that were admitted are answered."""
        self._engine.state = engines.DRAINING
        self._invocations.bodies.close()

    async def _ping(self, _request: Request) -> Response:
        state = self._engine.state
        if state == engines.BROKEN:
            self._invocations.prove(self._engine)
        if state == engines.READY and self.member is not None and not self.member.all_ready:
            state = engines.LOADING
        body = b'{"status":"%s"}' % state.encode()
        return Response(body, 200 if state == engines.READY else 503, media_type=negotiate.JSON)

    async def _invoke(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._invocations.invoke(self._engine, scope, receive, send)
