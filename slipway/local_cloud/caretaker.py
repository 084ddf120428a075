"""Which servers run: nobody's serverless container, and no fleet of none, keeps a process."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

from .server_process import StartupError

if TYPE_CHECKING:
    from .records import Store
    from .variant import Variant

IDLE_SECONDS: Final = 300.0


class Caretaker:
    """Puts servers to rest and wakes them, as their variants ask for.

    Args:
        store: Holds the endpoints.
        idle_seconds: How long a serverless container stays after its last request.
    """

    def __init__(self, store: Store, idle_seconds: float = IDLE_SECONDS) -> None:
        self._store = store
        self._idle_seconds = idle_seconds
        self._tasks: dict[Variant, asyncio.Task[None]] = {}

    def look_after(self) -> None:
        """Compare each variant in service with its server, and begin what differs."""
        self._tasks = {variant: task for variant, task in self._tasks.items() if not task.done()}
        for endpoint in self._store.endpoints():
            for variant in [] if endpoint.fleet is None else endpoint.fleet.all():
                if variant not in self._tasks and (wanted := self._wanted(variant)) != (not variant.asleep):
                    self._tasks[variant] = asyncio.create_task(_settle(variant, awake=wanted))

    def _wanted(self, variant: Variant) -> bool:
        if "ServerlessConfig" not in variant.settings:
            return variant.count > 0 or "AsyncInferenceConfig" not in variant.config.request
        if not variant.on_demand:
            return True
        server = variant.containers[0].server  # a serverless variant has no other
        if server.in_flight > 0:
            server.last_used = time.monotonic()
        return not server.asleep and time.monotonic() - server.last_used <= self._idle_seconds


async def _settle(variant: Variant, *, awake: bool) -> None:
    if awake:
        with contextlib.suppress(StartupError):  # the next look tries again
            await variant.wake()
    else:
        await variant.rest()
