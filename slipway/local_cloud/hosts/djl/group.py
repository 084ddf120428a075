"""All ranks of one model: started, asked together, started anew when one dies."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from slipway.local_cloud.ports import free_port

from . import frames
from .rank import PROGRAMS, Rank, RankError, environment_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from .settings import Settings

_log = logging.getLogger(__package__)


class BusyError(Exception):
    """More requests wait than the queue holds."""


class DownError(Exception):
    """There are no ranks now."""


class GoneError(Exception):
    """Whoever asked is gone before it was their turn."""


@dataclass
class Answer:
    """An answer as it comes in.

    Args:
        code: Its status.
        properties: Its headers.
        pieces: Its body; None ends it.
    """

    code: int
    properties: dict[str, str]
    pieces: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body, piece by piece."""
        while (piece := await self.pieces.get()) is not None:
            yield piece


class Group:
    """The ranks of one model.

    Args:
        settings: Of the model.
        python: Runs them.
        environment: Of the container.
    """

    def __init__(self, settings: Settings, python: str, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._python = python
        self._environment = environment
        self._ranks: list[Rank] = []
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._deaths = 0
        self._work: set[asyncio.Task[None]] = set()
        self.ready = False
        self.failed: str | None = None

    @property
    def pids(self) -> list[int]:
        """Of the ranks, by number."""
        return [rank.pid for rank in self._ranks]

    async def start(self) -> None:
        """Start all ranks, and wait until each has its part of the model.

        Raises:
            RankError: If that fails, or takes too long.
        """
        size, port = self._settings.ranks, free_port()
        entry = self._settings.entry_point or PROGRAMS / "lmi.py"
        environments = [environment_of(self._environment, number, size, port) for number in range(size)]
        self._ranks = [await Rank.start(self._python, entry, each) for each in environments]
        for rank in self._ranks:
            rank.send(self._settings.properties)
        try:
            async with asyncio.timeout(self._settings.loading_seconds), asyncio.TaskGroup() as together:
                for rank in self._ranks:
                    together.create_task(rank.loaded())
        except* (RankError, TimeoutError) as errors:
            await self._end()
            words = {str(error) or "model_loading_timeout is over" for error in errors.exceptions}
            raise RankError("; ".join(sorted(words))) from None
        self.ready = True
        for rank in self._ranks:
            self._spawn(self._watch(rank))
        _log.info("model loaded by %d rank(s), processes %s", size, self.pids)

    async def stop(self) -> None:
        """End everything."""
        for task in self._work:
            task.cancel()
        await self._end()

    async def ask(
        self, properties: dict[str, str], body: bytes, gone: Callable[[], Awaitable[bool]] | None = None
    ) -> Answer:
        """Return the answer to one request once it begins.

        Args:
            properties: Of the request, beside the model's.
            body: Its own.
            gone: Tells whether whoever asks is still there when its turn comes. Default: it is.

        Raises:
            BusyError: If too many wait.
            DownError: If there are no ranks, or they die over it.
            GoneError: If nobody is there any more to be answered.
            TimeoutError: If it takes too long; the ranks are started anew.
        """
        if not self.ready:
            raise DownError
        if self._waiting >= self._settings.queue:
            raise BusyError
        begun: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        # In a task of its own: a caller that goes away must not leave the ranks in the middle of an answer.
        self._spawn(self._exchange(properties, body, begun, gone))
        self._waiting += 1
        try:
            return await asyncio.shield(begun)
        finally:
            self._waiting -= 1
            begun.add_done_callback(lambda it: it.cancelled() or it.exception())

    async def _exchange(
        self,
        properties: dict[str, str],
        body: bytes,
        begun: asyncio.Future[Answer],
        gone: Callable[[], Awaitable[bool]] | None,
    ) -> None:
        async with self._turn:
            if gone is not None and await gone():
                begun.set_exception(GoneError())
                return
            try:
                if not self.ready:
                    raise DownError  # noqa: TRY301  the ranks died while it waited for its turn
                async with asyncio.timeout(self._settings.predict_seconds), asyncio.TaskGroup() as together:
                    for rank in self._ranks:
                        rank.send(properties, body)
                    together.create_task(_first(self._ranks[0], begun))
                    for rank in self._ranks[1:]:
                        together.create_task(_drain(rank))
            except* (asyncio.IncompleteReadError, ConnectionError, DownError):
                self._lost(begun, DownError(), "a rank died")
            except* TimeoutError:
                self._lost(begun, TimeoutError(), f"no answer in {self._settings.predict_seconds:g} seconds")

    def _lost(self, begun: asyncio.Future[Answer], error: Exception, words: str) -> None:
        if not begun.done():
            begun.set_exception(error)
        elif begun.exception() is None:
            begun.result().pieces.put_nowait(None)
        self._break(words)

    def _break(self, words: str) -> None:
        if self.ready:
            _log.warning("%s: the ranks are started anew", words)
            self.ready = False
            self._spawn(self._renew())

    async def _watch(self, rank: Rank) -> None:
        await rank.ended()
        if rank in self._ranks:
            self._break("a rank died")

    async def _renew(self) -> None:
        await self._end()
        self._deaths += 1
        if self._deaths > self._settings.retries:
            self.failed = f"the ranks died {self._deaths} times"
            return
        try:
            await self.start()
        except RankError as error:
            _log.warning("the ranks did not start: %s", error)
            await self._renew()

    async def _end(self) -> None:
        self.ready = False
        ranks, self._ranks = self._ranks, []
        await asyncio.gather(*(rank.stop() for rank in ranks))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)


async def _first(rank: Rank, begun: asyncio.Future[Answer]) -> None:
    """Hand on what rank 0 answers."""
    head, _ = await frames.read(rank.reader)
    answer = Answer(int(head["code"]), head["properties"])
    begun.set_result(answer)
    while "end" not in head:
        head, body = await frames.read(rank.reader)
        if body:
            answer.pieces.put_nowait(body)
    answer.pieces.put_nowait(None)


async def _drain(rank: Rank) -> None:
    """Read what another rank answers, which is the same."""
    head: dict[str, Any] = {}
    while "end" not in head:
        head, _ = await frames.read(rank.reader)


def status_of(error: Exception) -> tuple[HTTPStatus, str]:
    """Return what a caller is told where there is no answer."""
    if isinstance(error, BusyError):
        return HTTPStatus.SERVICE_UNAVAILABLE, "the queue is full"
    if isinstance(error, TimeoutError):
        return HTTPStatus.INTERNAL_SERVER_ERROR, "predict_timeout is over"
    return HTTPStatus.SERVICE_UNAVAILABLE, "no worker is ready"
