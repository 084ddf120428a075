"""What one job has answered so far: filled by a worker's thread, read in the event loop as it comes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from serving.workers import ClientGoneError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Lines:
    """A queue that needs no bound: what may be asked at once bounds it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._closed = False

    def put(self, line: bytes) -> None:
        """Add a line, from a worker's thread.

        Raises:
            ClientGoneError: If nobody reads any more, so that the rest need not be computed.
        """
        if self._closed:
            raise ClientGoneError
        self._loop.call_soon_threadsafe(self._queue.put_nowait, line)

    def close(self) -> None:
        """End the lines, in the event loop's thread: what came before is still read."""
        self._closed = True
        self._queue.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (line := await self._queue.get()) is not None:
            yield line
