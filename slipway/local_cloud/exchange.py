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
    from collections.abc import Mapping

_CHUNK_BYTES: Final = 2**16


@dataclass(frozen=True)
class Reply:
    """What a server answered; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class NoReplyError(Exception):
    """The connection was refused, or closed before the answer was complete."""


async def exchange(port: int, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
    """Send one request and return the answer, whatever its status. Sets no time limit.

    Raises:
        NoReplyError: If there is no complete answer.
    """
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError as error:
        raise NoReplyError from error
    connection = h11.Connection(h11.CLIENT)
    try:
        await _send(connection, writer, _request(port, method, path, headers, body), body)
        return await _receive(connection, reader)
    except (OSError, h11.ProtocolError) as error:
        raise NoReplyError from error
    finally:
        writer.close()


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


async def _receive(connection: h11.Connection, reader: asyncio.StreamReader) -> Reply:
    status, headers, body = 0, {}, bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_CHUNK_BYTES))
        elif isinstance(event, h11.Response):
            status, headers = (
                event.status_code,
                {name.decode(): value.decode("latin-1") for name, value in event.headers},
            )
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Reply(status, headers, bytes(body))
        elif isinstance(event, h11.ConnectionClosed):
            raise NoReplyError
