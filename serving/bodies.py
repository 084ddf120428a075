"""Request bodies, read within a size and a time."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any

from serving.errors import RequestError
from serving.workers import ClientGoneError

if TYPE_CHECKING:
    from starlette.types import Receive

    from serving.exchange import Exchange

_MOST_DIGITS = 19


class Bodies:
    """Reads bodies; a body that is still coming holds no place in the queue."""

    def __init__(self, *, most_bytes: int, seconds: float) -> None:
        self._most = most_bytes
        self._seconds = seconds
        self._deadlines: dict[asyncio.Task[Any], float] = {}
        self._expired: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def read(self, exchange: Exchange, receive: Receive) -> bytes:
        """Return the body.

        Raises:
            RequestError: 413 if it is too large, 415 if it is compressed, 408 if it takes too long, 503 if the server
                drains meanwhile.
            ClientGoneError: If the client left.
        """
        # What is refused here is thrown away by uvicorn as it comes: the connection lives, the memory does not grow.
        self._check(_stated_length(exchange.headers.get(b"content-length", b"")))
        if b"content-encoding" in exchange.headers:
            _require_plain(exchange.headers[b"content-encoding"])
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine that runs has one
        self._deadlines[task] = monotonic() + self._seconds
        try:
            return await self._collect(exchange, receive)
        except asyncio.CancelledError:
            if task not in self._expired:
                raise
            task.uncancel()
            raise self._too_late() from None
        finally:
            del self._deadlines[task]
            self._expired.discard(task)

    def expire(self) -> None:
        """Give up the bodies whose time is over; called now and then."""
        now = monotonic()
        for task, deadline in self._deadlines.items():
            if (self._closed or deadline < now) and task not in self._expired:
                self._expired.add(task)
                task.cancel()

    def close(self) -> None:
        """Wait for no body any longer."""
        self._closed = True
        self.expire()

    def _too_late(self) -> RequestError:
        if self._closed:
            return draining()
        message = f"the body did not come within {self._seconds:g} s"
        return RequestError(408, "body_timeout", message, ((b"connection", b"close"),))

    async def _collect(self, exchange: Exchange, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunks.append(message.get("body", b""))
            exchange.bytes_in += len(chunks[-1])
            self._check(exchange.bytes_in)
            more = message.get("more_body", False)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _check(self, length: int) -> None:
        if length > self._most:
            raise RequestError(
                413, "body_too_large", f"the body is larger than the {self._most} bytes that are accepted"
            )


def _require_plain(coding: bytes) -> None:
    """Refuse what would have to be unpacked, and might become any size."""
    if coding.strip().lower() not in (b"", b"identity"):
        received = coding[:40].decode("latin-1")
        message = f"content-encoding {received!r} is not accepted: send the body as it is"
        raise RequestError(415, "unsupported_content_encoding", message, ((b"accept-encoding", b"identity"),))


def _stated_length(header: bytes) -> int:
    # The HTTP parser has refused what is not a number; a chunked body states none.
    return int(header) if header.isdigit() and len(header) <= _MOST_DIGITS else 0


def draining() -> RequestError:
    """Return the answer of a server that takes no more requests."""
    headers = ((b"retry-after", b"1"), (b"connection", b"close"))
    return RequestError(503, "draining", "the server is stopping", headers)
