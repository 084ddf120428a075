"""A model server that may rest: ended while nobody needs it, started again by the next request or by its fleet."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from .server_process import ServerProcess, StartupError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .hosts.base import Command


class RestingServer(ServerProcess):
    """A server process that can be put to rest and woken.

    Args:
        folder: Its working folder.
        log: Where its output goes, after what is there already.
        command: Says what to run on a port.
    """

    def __init__(self, folder: Path, log: Path, command: Callable[[int], Command]) -> None:
        super().__init__(folder, log, command)
        self.asleep = False
        self.last_used = time.monotonic()
        self.on_setup: Callable[[float], None] = lambda _seconds: None
        """Hears how many seconds each awakening took."""
        self._turn = asyncio.Lock()
        self._waking: asyncio.Task[None] | None = None
        self._seconds = 0.0
        self._ended = False

    @property
    def pid(self) -> int | None:
        """The process id, None before the first start and at rest."""
        return None if self.asleep else super().pid

    async def start(self, seconds: float) -> None:
        """Start the server and wait until it is healthy; waking it later may take as long.

        Raises:
            StartupError: If it is not healthy in time.
        """
        self._seconds = seconds
        await super().start(seconds)

    async def rest(self) -> None:
        """End the process, unless a request is in flight; its successor is not started before the next ``wake``."""
        async with self._turn:
            if self.in_flight == 0 and not self.asleep and not self._ended:
                self.asleep = True  # at once, so that whoever comes now wakes the successor
                await super().stop()

    async def wake(self) -> None:
        """Wait until the server is awake; who waits is in flight, so that nobody ends what it waits for.

        Raises:
            StartupError: If it does not start.
        """
        self.last_used = time.monotonic()
        if not self.asleep:
            return
        if self._waking is None or self._waking.done():
            self._waking = asyncio.create_task(self._set_up())
        self.in_flight += 1
        self._idle.clear()
        try:
            await asyncio.shield(self._waking)  # others may wait for the same
        finally:
            self.in_flight -= 1
            # A caller goes on to ``invoke`` before anyone who drains can run.
            asyncio.get_running_loop().call_soon(self._tell_idle)

    async def stop(self) -> None:
        """End the server for good."""
        self._ended = True
        if self._waking is not None:
            self._waking.cancel()
            await asyncio.gather(self._waking, return_exceptions=True)
        await super().stop()

    async def _set_up(self) -> None:
        async with self._turn:
            if self._ended:
                raise StartupError("the server has been ended")
            began = time.perf_counter()
            try:
                await super().start(self._seconds)
            except BaseException:
                await super().stop()
                raise
            self.asleep = False
            self.on_setup(time.perf_counter() - began)

    def _tell_idle(self) -> None:
        if self.in_flight == 0:
            self._idle.set()
