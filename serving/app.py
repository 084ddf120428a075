"""The two routes that SageMaker asks for."""

from __future__ import annotations

import asyncio
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from serving import engine as engines
from serving import log, negotiate
from serving.bodies import Bodies, draining
from serving.errors import RequestError
from serving.exchange import Exchange
from serving.lines import Lines
from serving.workers import ClientGoneError, Job, Workers

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from serving.engine import Answer, Engine
    from serving.settings import Settings

# A timer and a task a request would cost more than all else that is done for it here; so one look a while for all.
_PATROL_SECONDS = 0.05

_ACCEPTED = "GET /ping and POST /invocations"


class App:
    """The ASGI application: `GET /ping` and `POST /invocations`."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._workers: Workers[Answer] = Workers(settings.threads, settings.queue_limit)
        self._bodies = Bodies(most_bytes=settings.max_body_bytes, seconds=settings.body_seconds)
        self._proof: threading.Thread | None = None
        self._unwatched: dict[Job[Answer], Receive] = {}
        self._routes: ASGIApp = Starlette(
            routes=[
                Route("/ping", self._ping, methods=["GET"]),
                Route("/invocations", _Endpoint(self._invoke), methods=["POST"]),
            ],
            exception_handlers={HTTPException: _refuse},
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
        return self._workers.admitted

    def drain(self) -> None:
        """Take no more requests; those that were admitted are answered."""
        self._engine.state = engines.DRAINING
        self._bodies.close()

    async def _ping(self, _request: Request) -> Response:
        state = self._engine.state
        if state == engines.BROKEN:
            self._prove()
        body = b'{"status":"%s"}' % state.encode()
        return Response(body, 200 if state == engines.READY else 503, media_type=negotiate.JSON)

    async def _invoke(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one invocation, whatever happens."""
        exchange = Exchange(scope, send)
        try:
            await self._answer(exchange, receive)
        except RequestError as error:
            await exchange.refuse(error)
        except ClientGoneError:
            exchange.note_gone()
        except asyncio.CancelledError:  # the drain's time is over
            await exchange.refuse(draining())
        except Exception as error:  # noqa: BLE001  the caller learns the request's id, the log learns the rest
            self._prove()
            internal = RequestError(500, "internal_error", "the request could not be answered")
            await exchange.refuse(internal, traceback=log.describe(error))

    async def _answer(self, exchange: Exchange, receive: Receive) -> None:
        self._require_ready()
        exchange.check_attributes()
        received = negotiate.request_type(exchange.headers.get(b"content-type", b""), self._engine.accepts)
        wanted = negotiate.answer_type(exchange.headers.get(b"accept", b""))
        body = await self._bodies.read(exchange, receive)
        self._require_ready()
        if wanted == negotiate.LINES:
            await self._stream(exchange, body, received, receive)
            return
        job = self._workers.submit(lambda alone: self._engine.answer(body, received, wanted, alone=alone))
        answer = await self._watched(job, receive)
        await exchange.answer(answer, wanted, job.wait)

    async def _stream(self, exchange: Exchange, body: bytes, received: str, receive: Receive) -> None:
        lines = Lines()

        def end(future: asyncio.Future[Answer]) -> None:
            future.exception()  # seen, also where nobody waits for it any more
            lines.close()

        job = self._workers.submit(lambda alone: self._engine.stream(body, received, lines.put, alone=alone))
        job.future.add_done_callback(end)
        self._unwatched[job] = receive
        try:
            async for line in lines:
                await exchange.part(line, negotiate.LINES)
            await exchange.end(await job.future, job.wait)
        finally:
            self._unwatched.pop(job, None)
            lines.close()

    def _require_ready(self) -> None:
        state = self._engine.state
        if state == engines.DRAINING:
            raise draining()
        if state != engines.READY:
            raise RequestError(503, state, f"the model is {state}", ((b"retry-after", b"1"),))

    async def _watched(self, job: Job[Answer], receive: Receive) -> Answer:
        self._unwatched[job] = receive
        try:
            return await job.future
        finally:
            self._unwatched.pop(job, None)

    async def patrol(self) -> None:
        """Look, for ever, for bodies that take too long and for clients who left while their request was waiting."""
        while True:
            before = list(self._unwatched)
            await asyncio.sleep(_PATROL_SECONDS)
            self._bodies.expire()
            for job in before:
                receive = self._unwatched.pop(job, None)
                if receive is not None:
                    self._watch(job, receive)

    def _watch(self, job: Job[Answer], receive: Receive) -> None:
        watch = asyncio.get_running_loop().create_task(self._drop_when_gone(job, receive))
        job.future.add_done_callback(lambda _: watch.cancel())

    async def _drop_when_gone(self, job: Job[Answer], receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._workers.drop(job)

    def _prove(self) -> None:
        """Let the model answer its example again, once at a time, beside the queue: /ping follows what comes of it."""
        if self._proof is None or not self._proof.is_alive():
            self._proof = threading.Thread(target=self._engine.prove, name="proof", daemon=True)
            self._proof.start()


class _Endpoint:
    """Starlette hands an object, unlike a function, the bare ASGI call: no Request, no Response."""

    def __init__(self, call: ASGIApp) -> None:
        self._call = call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._call(scope, receive, send)


class _Refusal(Response):
    """What Starlette itself refuses, in the words of all our refusals."""

    def __init__(self, error: HTTPException) -> None:
        super().__init__(status_code=error.status_code)
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's arguments
        status = HTTPStatus(self._error.status_code)
        headers = tuple((key.lower().encode(), value.encode()) for key, value in (self._error.headers or {}).items())
        message = f"{scope['method']} {scope['path']}: {status.phrase.lower()}, accepted: {_ACCEPTED}"
        await Exchange(scope, send).refuse(RequestError(status, status.name.lower(), message, headers))


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for it alone
    return _Refusal(error)
