"""The threads that run the model, and the bounded queue before them."""

from __future__ import annotations

import asyncio
import math
import threading
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import TYPE_CHECKING, Generic, TypeVar

from serving.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Result = TypeVar("Result")
Part = TypeVar("Part")

_LONGEST_RETRY_SECONDS = 60

# Of callers who ask again as soon as they are answered one is now and then the only one for a moment. To be alone is
# to have been so for a while.
_LONE_BEFORE = 8


class ClientGoneError(Exception):
    """Nobody waits for the answer any more."""


class Job(Generic[Part, Result]):
    """One admitted piece of work; its times are seconds."""

    __slots__ = ("_most", "_work", "admitted", "alone", "future", "part", "released", "started", "took", "wait")

    def __init__(self, work: Callable[[bool], Result], part: Part | None, *, alone: bool, most_seconds: float) -> None:
        self._work: Callable[[bool], Result] | None = work
        self._most = most_seconds
        self.part = part
        self.alone = alone
        self.future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.admitted = perf_counter()
        self.wait = self.took = 0.0
        self.started = False
        self.released = False

    def begin(self) -> Callable[[bool], Result] | None:
        """Return the work, in a worker's thread, unless it was dropped meanwhile."""
        work, self._work = self._work, None
        self.wait = perf_counter() - self.admitted
        self.started = work is not None
        return work

    def is_overdue(self, now: float) -> bool:
        """Return whether a worker has been at it for longer than it may take."""
        return self.started and now - self.admitted - self.wait > self._most

    def drop(self) -> None:
        """Forget the work, if no worker has begun it."""
        self._work = None
        if not self.future.done():
            self.future.set_exception(ClientGoneError())


class Workers(Generic[Part, Result]):
    """As many threads as the model is given, and a queue before them.

    All methods are called in the event loop's thread, so that the counts need no lock.

    Args:
        count: Threads.
        limit: Jobs that may wait for them.
        join: Does the parts of several jobs in one go; an exception in the place of a result is that job's own.
        most: Jobs that are joined at once; 1 joins none.
        delay_seconds: How long a job waits at most for others to join it. At 0 it is joined with what waits already,
            and each thread that is free gets its share of that.
    """

    def __init__(
        self,
        count: int,
        limit: int,
        *,
        join: Callable[[Sequence[Part]], Sequence[Result | Exception]],
        most: int,
        delay_seconds: float,
    ) -> None:
        self._count, self._limit = count, limit
        self._join, self._most_joined, self._delay = join, most, delay_seconds
        self._jobs: SimpleQueue[Job[Part, Result]] = SimpleQueue()
        self._gathering, self._counting = threading.Lock(), threading.Lock()
        self._busy = 0
        self._pace = 0.0
        self._lone, self._same = _LONE_BEFORE, 0
        self._last: object = None
        self.admitted = 0
        self._unreleased: set[Job[Part, Result]] = set()
        serve = self._serve if most == 1 else self._serve_joined
        for number in range(count):
            threading.Thread(target=serve, name=f"worker-{number}", daemon=True).start()

    def submit(
        self,
        work: Callable[[bool], Result],
        part: Part | None = None,
        *,
        most_seconds: float = math.inf,
        caller: object = None,
        is_quick: bool = False,
    ) -> Job[Part, Result]:
        """Queue `work`, called with whether it is the only one, as those before it were.

        Args:
            work: Does the job by itself.
            part: What of it can be done together with others.
                Default: it cannot be joined.
            most_seconds: That a thread may be at it before it is overdue.
                Default: for ever.
            caller: Whose work it is.
                Default: anybody's.
            is_quick: Whether the event loop may do it itself where nobody but its caller asked lately: to hand it to a
                thread and back takes a tenth of a quick model's time.

        Raises:
            RequestError: 503, if the queue is full.
        """
        if self.admitted >= self._count + self._limit:
            raise self._full()
        self._lone = self._lone + 1 if self.admitted == 0 else 0
        # While the loop works it takes nobody in, so each would seem alone: to be one and the same tells.
        self._same = self._same + 1 if caller is not None and caller == self._last else 0
        self._last = caller
        job = Job(work, part, alone=self._lone > _LONE_BEFORE, most_seconds=most_seconds)
        self.admitted += 1
        self._unreleased.add(job)
        if is_quick and job.alone and self._same > _LONE_BEFORE:
            self._finish([job], [self._do(job, work)])
        else:
            self._jobs.put(job)
        return job

    @property
    def waiting(self) -> int:
        """How many jobs no worker has taken yet."""
        return self._jobs.qsize()

    @property
    def overdue(self) -> int:
        """How many jobs hold a thread for longer than they may, whether or not anybody waits for them."""
        now = perf_counter()
        return sum(job.is_overdue(now) for job in self._unreleased)

    def drop(self, job: Job[Part, Result]) -> None:
        """Give up a job whose client has gone; one that has begun still holds its thread until it ends."""
        job.drop()
        if not job.started:
            self._release(job)

    def _full(self) -> RequestError:
        """Refuse, and say when it is worth asking again: when half of what waits will be done."""
        seconds = math.ceil(self._pace * self._limit / self._count / 2)
        retry = b"%d" % min(max(seconds, 1), _LONGEST_RETRY_SECONDS)
        message = f"{self._count + self._limit} requests are being answered"
        return RequestError(503, "queue_full", message, ((b"retry-after", retry),))

    def _serve(self) -> None:
        while True:
            job = self._jobs.get()
            self._run(job)
            del job  # an idle thread holds no request's body

    def _serve_joined(self) -> None:
        while True:
            with self._gathering:  # one gathers while the others work or wait for their turn
                jobs = self._gather()
            if len(jobs) == 1:
                self._run(jobs[0])
            else:
                self._run_joined(jobs)
            del jobs
            self._count_busy(-1)

    def _gather(self) -> list[Job[Part, Result]]:
        jobs = [self._jobs.get()]
        most = self._share() if self._delay == 0 else self._most_joined
        while jobs[0].part is not None and len(jobs) < most:
            try:
                job = self._jobs.get(timeout=max(0.0, jobs[0].admitted + self._delay - perf_counter()))
            except Empty:
                break
            if job.part is None:
                self._jobs.put(job)  # for another thread, at once
                break
            jobs.append(job)
        self._count_busy(1)
        return jobs

    def _share(self) -> int:
        with self._counting:
            idle = self._count - self._busy
        return min(self._most_joined, math.ceil((self._jobs.qsize() + 1) / idle))

    def _count_busy(self, change: int) -> None:
        with self._counting:
            self._busy += change

    def _run(self, job: Job[Part, Result]) -> None:
        work = job.begin()
        if work is not None:
            job.future.get_loop().call_soon_threadsafe(self._finish, [job], [self._do(job, work)])

    def _do(self, job: Job[Part, Result], work: Callable[[bool], Result]) -> Result | BaseException:
        began = perf_counter()
        try:
            return work(job.alone)
        except BaseException as error:  # noqa: BLE001  the thread outlives any one request
            return error
        finally:
            job.took = perf_counter() - began

    def _run_joined(self, gathered: Sequence[Job[Part, Result]]) -> None:
        jobs = [job for job in gathered if job.begin() is not None]
        if jobs == []:
            return
        began = perf_counter()
        answers: Sequence[Result | BaseException]
        try:
            answers = self._join([job.part for job in jobs if job.part is not None])
        except BaseException as error:  # noqa: BLE001  the thread outlives any one request
            answers = [error] * len(jobs)
        for job in jobs:
            job.took = (perf_counter() - began) / len(jobs)
        jobs[0].future.get_loop().call_soon_threadsafe(self._finish, jobs, answers)

    def _finish(self, jobs: Sequence[Job[Part, Result]], answers: Sequence[Result | BaseException]) -> None:
        for job, answer in zip(jobs, answers, strict=True):
            self._release(job)
            self._pace += (job.took - self._pace) / 10 if self._pace > 0 else job.took
            if job.future.done():
                continue
            if isinstance(answer, BaseException):
                job.future.set_exception(answer)
            else:
                job.future.set_result(answer)

    def _release(self, job: Job[Part, Result]) -> None:
        if not job.released:
            job.released = True
            self.admitted -= 1
            self._unreleased.discard(job)
