"""One HTTP request to a server on loopback, on a connection of its own.

A connection of its own, because an idle one that the server just closed would fail the next request; by hand, because
on loopback a general client costs several times what the request itself does.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import h11

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

_CHUNK_BYTES: Final = 2**16


@dataclass(frozen=True)
class Reply:
    """What a server answered; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class NoReplyError(Exception):
    """The connection was refused, or closed before the answer was complete."""


class OpenReply:
    """An answer that is still coming: its status and headers are here, its body is not.

    Whoever has one must close it.
    """

    def __init__(self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connection = connection
        self._reader = reader
        self._writer = writer
        self.status = 0
        self.headers: dict[str, str] = {}

    async def begin(self) -> None:
        """Wait for the status and the headers.

        Raises:
            NoReplyError: If they do not come.
        """
        event = await self._next()
        while not isinstance(event, h11.Response):
            event = await self._next()
        self.status = event.status_code
        self.headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes.

        Raises:
            NoReplyError: If the connection ends before the body does.
        """
        while not isinstance(event := await self._next(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                yield bytes(event.data)

    def close(self) -> None:
        """Hang up; a server that still answers learns by it that nobody listens."""
        self._writer.close()

    async def _next(self) -> h11.Event:
        try:
            while (event := self._connection.next_event()) is h11.NEED_DATA:
                self._connection.receive_data(await self._reader.read(_CHUNK_BYTES))
        except (OSError, h11.ProtocolError) as error:
            raise NoReplyError from error
        if isinstance(event, h11.ConnectionClosed) or not isinstance(event, h11.Event):
            raise NoReplyError
        return event


async def open_exchange(port: int, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> OpenReply:
    """Send one request and return the answer once it begins, whatever its status. Sets no time limit.

    Raises:
        NoReplyError: If no answer begins.
    """
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError as error:
        raise NoReplyError from error
    connection = h11.Connection(h11.CLIENT)
    reply = OpenReply(connection, reader, writer)
    try:
        await _send(connection, writer, _request(port, method, path, headers, body), body)
        await reply.begin()
    except (OSError, h11.ProtocolError) as error:
        reply.close()
        raise NoReplyError from error
    except BaseException:
        reply.close()
        raise
    return reply


async def exchange(port: int, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
    """Send one request and return the answer, whatever its status. Sets no time limit.

    Raises:
        NoReplyError: If there is no complete answer.
    """
    reply = await open_exchange(port, method, path, headers, body)
    try:
        return Reply(reply.status, reply.headers, b"".join([chunk async for chunk in reply.chunks()]))
    finally:
        reply.close()


def _request(port: int, method: str, path: str, headers: Mapping[str, str], body: bytes) -> h11.Request:
    given = {"host": f"127.0.0.1:{port}", "connection": "close", "content-length": str(len(body)), **headers}
    # As it came, for the server to judge: h11 itself turns text into ASCII bytes or fails.
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given.items()]
    return h11.Request(method=method, target=path, headers=encoded)


async def _send(connection: h11.Connection, writer: asyncio.StreamWriter, request: h11.Request, body: bytes) -> None:
    for event in (request, h11.Data(data=body), h11.EndOfMessage()):
        writer.write(connection.send(event) or b"")
    with contextlib.suppress(ConnectionError):  # a server may refuse before it has read everything
        await writer.drain()
