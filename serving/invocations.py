"""Invocations: from a request's headers over the queue and a model's answer to the line in the log."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from serving import batching, log, negotiate
from serving import engine as engines
from serving.bodies import Bodies, draining
from serving.engine import Ask
from serving.errors import HandlerError, RequestError, StuckError
from serving.exchange import Exchange
from serving.lines import Lines
from serving.workers import ClientGoneError, Job, Workers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Receive, Scope, Send

    from serving.engine import Answer, Engine
    from serving.settings import Settings

    Asked = tuple[Engine, Ask]

# A timer and a task a request would cost more than all else that is done for it here; so one look a while for all.
_PATROL_SECONDS = 0.05


class Invocations:
    """Answers invocations of one engine or of many, which share its threads and its queue."""

    def __init__(self, settings: Settings) -> None:
        unasked = 1 if settings.multi_model else batching.MOST_UNASKED
        self._request_seconds, self._stream_seconds = settings.request_seconds, settings.stream_seconds
        self._workers: Workers[Asked, Answer] = Workers(
            settings.threads,
            settings.queue_limit,
            join=_join,
            most=settings.batch_size or unasked,
            delay_seconds=settings.batch_delay_us / 1e6,
        )
        self.bodies = Bodies(most_bytes=settings.max_body_bytes, seconds=settings.body_seconds)
        self._proofs: dict[Engine, threading.Thread] = {}
        self._unwatched: dict[Job[Asked, Answer], Receive] = {}

    @property
    def admitted(self) -> int:
        """How many requests are waiting or being answered."""
        return self._workers.admitted

    @property
    def load(self) -> tuple[int, int]:
        """How many requests the model works on, and how many wait for it."""
        waiting = min(self._workers.waiting, self._workers.admitted)
        return self._workers.admitted - waiting, waiting

    async def invoke(self, engine: Engine, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one invocation, whatever happens."""
        exchange = Exchange(scope, send)
        try:
            await self._answer(engine, exchange, receive)
        except HandlerError as error:
            await exchange.refuse(error, handler=error.reason, traceback=log.describe(error))
        except RequestError as error:
            await exchange.refuse(error)
        except ClientGoneError:
            exchange.note_gone()
        except asyncio.CancelledError:  # the drain's time is over
            await exchange.refuse(draining())
        except Exception as error:  # noqa: BLE001  the caller learns the request's id, the log learns the rest
            self.prove(engine)
            internal = RequestError(500, "internal_error", "the request could not be answered")
            await exchange.refuse(internal, traceback=log.describe(error))

    async def _answer(self, engine: Engine, exchange: Exchange, receive: Receive) -> None:
        _require_ready(engine)
        exchange.check_attributes()
        received = negotiate.request_type(exchange.headers.get(b"content-type", b""), engine.accepts)
        wanted = negotiate.answer_type(exchange.headers.get(b"accept", b""))
        body = await self.bodies.read(exchange, receive)
        _require_ready(engine)
        if wanted == negotiate.LINES:
            await self._stream(engine, exchange, body, received, receive)
            return
        ask = Ask(body, received, wanted)
        part, most = (engine, ask) if engine.joins else None, self._request_seconds
        job = self._workers.submit(
            lambda alone: engine.answer(ask, alone=alone),
            part,
            most_seconds=most,
            caller=exchange.caller,
            is_quick=engine.is_quick(ask),
        )
        answer = await self._watched(job, receive)
        await exchange.answer(answer, wanted, job.wait)

    async def _stream(self, engine: Engine, exchange: Exchange, body: bytes, received: str, receive: Receive) -> None:
        lines = Lines()

        def end(future: asyncio.Future[Answer]) -> None:
            future.exception()  # seen, also where nobody waits for it any more
            lines.close()

        job = self._workers.submit(
            lambda alone: engine.stream(body, received, lines.put, alone=alone), most_seconds=self._stream_seconds
        )
        job.future.add_done_callback(end)
        self._unwatched[job] = receive
        try:
            async for line in lines:
                await exchange.part(line, negotiate.LINES)
            await exchange.end(await job.future, job.wait)
        finally:
            self._unwatched.pop(job, None)
            lines.close()

    async def _watched(self, job: Job[Asked, Answer], receive: Receive) -> Answer:
        self._unwatched[job] = receive
        try:
            return await job.future
        finally:
            self._unwatched.pop(job, None)

    async def patrol(self) -> None:
        """Look, for ever, for bodies that take too long and for clients who left while their request was waiting.

        Raises:
            StuckError: If the model has been at a request for longer than anybody waits.
        """
        while True:
            before = list(self._unwatched)
            await asyncio.sleep(_PATROL_SECONDS)
            self.bodies.expire()
            if (overdue := self._workers.overdue) > 0:
                raise StuckError(f"the model has not come back from {overdue} of {self.admitted} requests")
            for job in before:
                receive = self._unwatched.pop(job, None)
                if receive is not None:
                    self._watch(job, receive)

    def _watch(self, job: Job[Asked, Answer], receive: Receive) -> None:
        watch = asyncio.get_running_loop().create_task(self._drop_when_gone(job, receive))
        job.future.add_done_callback(lambda _: watch.cancel())

    async def _drop_when_gone(self, job: Job[Asked, Answer], receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._workers.drop(job)

    def prove(self, engine: Engine) -> None:
        """Let a model answer its example again, once at a time, beside the queue: its state follows from it."""
        self._proofs = {proved: thread for proved, thread in self._proofs.items() if thread.is_alive()}
        if engine not in self._proofs:
            self._proofs[engine] = threading.Thread(target=engine.prove, name="proof", daemon=True)
            self._proofs[engine].start()


def _join(asked: Sequence[Asked]) -> list[Answer | Exception]:
    """Answer requests together; all are of the one engine there is, for many engines join none."""
    return asked[0][0].answer_together([ask for _, ask in asked])


def _require_ready(engine: Engine) -> None:
    if engine.state == engines.DRAINING:
        raise draining()
    if engine.state != engines.READY:
        raise RequestError(503, engine.state, f"the model is {engine.state}", ((b"retry-after", b"1"),))
