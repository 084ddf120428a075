"""The threads that run the model, and the bounded queue before them."""

from __future__ import annotations

import asyncio
import threading
from queue import SimpleQueue
from time import perf_counter
from typing import TYPE_CHECKING, Generic, TypeVar

from serving.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


class ClientGoneError(Exception):
    """Nobody waits for the answer any more."""


class Job(Generic[Result]):
    """One admitted piece of work; its times are seconds."""

    __slots__ = ("_admitted", "_loop", "_work", "alone", "future", "released", "started", "wait")

    def __init__(self, work: Callable[[bool], Result], *, alone: bool, loop: asyncio.AbstractEventLoop) -> None:
        self._work: Callable[[bool], Result] | None = work
        self._loop = loop
        self._admitted = perf_counter()
        self.alone = alone
        self.future: asyncio.Future[Result] = loop.create_future()
        self.wait = 0.0
        self.started = False
        self.released = False

    def run(self, finish: Callable[[Job[Result], Result | None, BaseException | None], None]) -> None:
        """Do the work, in a worker's thread, unless it was dropped meanwhile."""
        work, self._work = self._work, None
        if work is None:
            return
        self.started = True
        self.wait = perf_counter() - self._admitted
        try:
            answer, error = work(self.alone), None
        except BaseException as raised:  # noqa: BLE001  the thread outlives any one request
            answer, error = None, raised
        self._loop.call_soon_threadsafe(finish, self, answer, error)

    def drop(self) -> None:
        """Forget the work, if no worker has begun it."""
        self._work = None
        if not self.future.done():
            self.future.set_exception(ClientGoneError())


class Workers(Generic[Result]):
    """As many threads as the model is given, and a queue of `limit` jobs before them.

    All methods are called in the event loop's thread, so that the counts need no lock.
    """

    def __init__(self, count: int, limit: int) -> None:
        self._most = count + limit
        self._jobs: SimpleQueue[Job[Result] | None] = SimpleQueue()
        self.admitted = 0
        for number in range(count):
            threading.Thread(target=self._serve, name=f"worker-{number}", daemon=True).start()

    def submit(self, work: Callable[[bool], Result]) -> Job[Result]:
        """Queue `work`, called with whether it was the only one when it came.

        Raises:
            RequestError: 503, if the queue is full.
        """
        if self.admitted >= self._most:
            raise RequestError(
                503, "queue_full", f"{self._most} requests are being answered", ((b"retry-after", b"1"),)
            )
        job = Job(work, alone=self.admitted == 0, loop=asyncio.get_running_loop())
        self.admitted += 1
        self._jobs.put(job)
        return job

    @property
    def waiting(self) -> int:
        """How many jobs no worker has taken yet."""
        return self._jobs.qsize()

    def drop(self, job: Job[Result]) -> None:
        """Give up a job whose client has gone; one that has begun still holds its thread until it ends."""
        job.drop()
        if not job.started:
            self._release(job)

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.run(self._finish)
            del job  # an idle thread holds no request's body

    def _finish(self, job: Job[Result], answer: Result | None, error: BaseException | None) -> None:
        self._release(job)
        if job.future.done():
            return
        if error is None:
            job.future.set_result(answer)  # type: ignore[arg-type]  # no error, so there is an answer
        else:
            job.future.set_exception(error)

    def _release(self, job: Job[Result]) -> None:
        if not job.released:
            job.released = True
            self.admitted -= 1
