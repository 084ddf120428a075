"""Messages as ``application/vnd.amazon.eventstream`` frames them; botocore only reads them.

Source: https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html
"""

from __future__ import annotations

import json
from binascii import crc32
from struct import pack
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
_STRING: Final = 7  # the type of a header's value
_FRAME_BYTES: Final = 16  # two lengths and two checksums


def event(kind: str, payload: bytes) -> bytes:
    """Return an event whose payload is bytes."""
    headers = {":message-type": "event", ":event-type": kind, ":content-type": "application/octet-stream"}
    return message(headers, payload)


def exception(kind: str, fields: Mapping[str, str]) -> bytes:
    """Return an exception, after which nothing comes."""
    headers = {":message-type": "exception", ":exception-type": kind, ":content-type": "application/json"}
    return message(headers, json.dumps(fields).encode())


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Return one message with string headers."""
    packed = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    lengths = pack("!II", _FRAME_BYTES + len(packed) + len(payload), len(packed))
    content = lengths + pack("!I", crc32(lengths)) + packed + payload
    return content + pack("!I", crc32(content))


def _header(name: bytes, value: bytes) -> bytes:
    return pack("!B", len(name)) + name + pack("!BH", _STRING, len(value)) + value
