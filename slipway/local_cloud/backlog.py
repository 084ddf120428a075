"""The queue of an asynchronous endpoint: each request ends as one answer or one failure, whatever servers do."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from . import model_error
from .results import ResultError
from .server_process import ServerDownError
from .traffic import NoVariantError
from .variant import ContainerError

if TYPE_CHECKING:
    import random

    from .endpoint import Endpoint
    from .meter import Meter
    from .results import Request, Results
    from .variant import Variant

_log = logging.getLogger("slipway.local_cloud")

_PAUSE_SECONDS: Final = 0.05
_MOST_ATTEMPTS: Final = 3
_SAGEMAKERS_CHOICE: Final = 4
_EXPIRED: Final = "The request has been in the queue for longer than its time to live."
_SERVER_DIED: Final = f"The server ended {_MOST_ATTEMPTS} times while it worked on the request."


class Backlog:
    """The requests that wait for an endpoint, and those in work.

    It lives as long as the endpoint does, over restarts of its servers and over updates. One server answers for all
    instances, so ``MaxConcurrentInvocationsPerInstance`` bounds it alone; a fleet of none is asked nothing.

    Args:
        endpoint: Whose fleet works it off.
        results: Where requests come from and answers go to.
        dice: Shares out traffic during an update.
        meter: Notes how long requests wait and take, and which fail.
    """

    def __init__(self, endpoint: Endpoint, results: Results, dice: random.Random, meter: Meter) -> None:
        self._endpoint = endpoint
        self._results = results
        self._dice = dice
        self._meter = meter
        self._waiting: deque[Request] = deque()
        self._working: dict[asyncio.Task[None], Variant] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._dropped = False

    @property
    def size(self) -> int:
        """How many requests have no result yet."""
        return len(self._waiting) + len(self._working) + len(self._ending)

    @property
    def oldest(self) -> float | None:
        """When the request came that waits longest, in seconds since the epoch; None where none waits."""
        return min((request.received for request in self._waiting), default=None)

    def submit(self, request: Request) -> None:
        """Take a request on, after all that wait already."""
        self._waiting.append(request)
        self._start()

    def drop(self) -> None:
        """Forget all that wait, for an endpoint that is deleted; what is in work goes on."""
        self._dropped = True
        self._waiting.clear()
        if self._pump is not None:
            self._pump.cancel()

    async def finished(self) -> None:
        """Wait until nothing is in work."""
        await asyncio.gather(*self._working, *self._ending, return_exceptions=True)

    def _start(self) -> None:
        if (self._pump is None or self._pump.done()) and not self._dropped:
            self._pump = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._waiting:
            self._expire()
            variant = self._free()
            if variant is None:
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), _PAUSE_SECONDS)
            elif self._waiting:
                task = asyncio.create_task(self._work(self._waiting.popleft(), variant))
                self._working[task] = variant
                task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._working[task]
        self._changed.set()

    def _expire(self) -> None:
        for request in [request for request in self._waiting if request.expired]:
            self._waiting.remove(request)
            for variant in [] if self._endpoint.fleet is None else self._endpoint.fleet.variants.values():
                self._meter.failed(self._endpoint, variant, expired=True)
            task = asyncio.create_task(self._results.fail(request, _EXPIRED))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def _free(self) -> Variant | None:
        """Return a variant that takes one more request now."""
        if self._endpoint.traffic is None:
            return None
        try:
            variant = self._endpoint.traffic.choose(None, self._dice)
        except NoVariantError:
            return None
        busy = sum(other is variant for other in self._working.values())
        return variant if variant.ready and variant.count > 0 and busy < self._most() else None

    def _most(self) -> int:
        fleet = self._endpoint.fleet
        config = {} if fleet is None else fleet.config.request.get("AsyncInferenceConfig", {})
        return int(config.get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance", _SAGEMAKERS_CHOICE))

    async def _work(self, request: Request, variant: Variant) -> None:
        try:
            await self._answer(request, variant)
        except ResultError as error:
            await self._fail(request, variant, str(error))
        except ServerDownError:
            await self._again(request, variant)
        except Exception:  # noqa: BLE001  whatever it is, the request must not be lost
            _log.exception("request %s failed", request.inference_id)
            await self._fail(request, variant, "InternalFailure")

    async def _answer(self, request: Request, variant: Variant) -> None:
        if request.attempts == 0:
            self._meter.queued(self._endpoint, variant, time.time() - request.received)
        body = await self._results.read(request)
        request.attempts += variant.ready  # one that is down already did not die over this request
        try:
            with self._meter.invocation(self._endpoint, variant) as measured:
                measured.asked()
                answer = await variant.invoke(body, request.headers, request.timeout_seconds)
        except ContainerError as error:
            await self._fail(request, variant, self._words(error), error.body)
        else:
            await self._results.complete(request, answer)
            self._meter.processed(self._endpoint, variant, time.time() - request.received)

    async def _fail(self, request: Request, variant: Variant, reason: str, body: bytes | None = None) -> None:
        self._meter.failed(self._endpoint, variant)
        await self._results.fail(request, reason, body)

    async def _again(self, request: Request, variant: Variant) -> None:
        if request.attempts >= _MOST_ATTEMPTS:
            await self._fail(request, variant, _SERVER_DIED)
        elif not self._dropped:
            self._waiting.appendleft(request)
            self._start()

    def _words(self, error: ContainerError) -> str:
        return model_error.in_words(self._endpoint.place, self._endpoint.name, error)
