"""What goes over the line between the host and a rank: a JSON head with the size of the body, and the body."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

_LENGTH: Final = struct.Struct(">I")


async def read(reader: StreamReader) -> tuple[dict[str, Any], bytes]:
    """Return the next frame.

    Raises:
        IncompleteReadError: If the rank is gone.
    """
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    head: dict[str, Any] = json.loads(await reader.readexactly(length))
    return head, await reader.readexactly(head["size"])


def write(writer: StreamWriter, properties: dict[str, str], body: bytes) -> None:
    """Send one frame; the rank reads it when it can."""
    head = json.dumps({"properties": properties, "size": len(body)}).encode()
    writer.write(_LENGTH.pack(len(head)) + head + body)
