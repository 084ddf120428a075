"""What a handler answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _outputs_line(texts: Any) -> bytes:
    return json.dumps({"outputs": texts}, ensure_ascii=False).encode() + b"\n"


class Output:
    """An answer: a status, properties that become headers, and a body at once or piece by piece.

    Args:
        code: The HTTP status.
        message: Says it in words.
    """

    def __init__(self, code: int = 200, message: str = "OK") -> None:
        self.code = code
        self.message = message
        self.properties: dict[str, str] = {}
        self.content = b""
        self._stream: tuple[Iterator[Any], Callable[[Any], bytes]] | None = None

    def add_property(self, key: str, value: str) -> Output:
        """Set a header."""
        self.properties[key] = value
        return self

    def add(self, value: Any, key: str | None = None, batch_index: int | None = None) -> Output:
        """Add to the body: bytes and text as they are, anything else as JSON."""
        self._refuse_parts(key, batch_index)
        if isinstance(value, str):
            value = value.encode()
        return self._append(bytes(value)) if isinstance(value, (bytes, bytearray)) else self.add_as_json(value)

    def add_as_json(self, value: Any, key: str | None = None, batch_index: int | None = None) -> Output:
        """Add a JSON document to the body."""
        self._refuse_parts(key, batch_index)
        self.properties.setdefault("Content-Type", "application/json")
        return self._append(json.dumps(value, ensure_ascii=False).encode())

    def add_stream_content(
        self, stream_generator: Iterator[Any], output_formatter: Callable[[Any], bytes] = _outputs_line
    ) -> Output:
        """Send what a generator yields, each piece as the formatter puts it."""
        self._stream = (stream_generator, output_formatter)
        return self

    def error(self, error: str, code: int = 424, message: str = "invoke handler failure") -> Output:
        """Make it an error, with the words that go with it."""
        self.code, self.message, self.content, self._stream = code, message, b"", None
        self.properties["Content-Type"] = "application/json"
        return self._append(json.dumps({"code": code, "message": message, "error": error}).encode())

    def pieces(self) -> Iterator[bytes] | None:
        """Yield the body of a streamed answer; None where it is whole."""
        if self._stream is None:
            return None
        generator, formatter = self._stream
        return (bytes(formatter(piece)) for piece in generator)

    def _append(self, content: bytes) -> Output:
        self.content += content
        return self

    @staticmethod
    def _refuse_parts(key: str | None, batch_index: int | None) -> None:
        if key is not None or batch_index is not None:
            raise NotImplementedError("the clean-room host models bodies of one part: neither keys nor batches")
