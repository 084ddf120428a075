"""One connection over a socket of our own: what a library would never let a caller do, and every answer read by h11."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from typing import TYPE_CHECKING, Self

import h11

from slipway.operations.conform.answer import Answer, NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from slipway.operations.conform.wire import Address

_PIECE = 65536
_LINGER_NOT = struct.pack("ii", 1, 0)
_MOST_BYTES = 64 * 1024 * 1024
"""Of one answer; SageMaker hands on 25 MB."""


class Connection:
    """One connection, as polite or rude as a check wants it."""

    def __init__(self, plain: socket.socket, address: Address, seconds: float) -> None:
        self._socket = plain
        self._address = address
        self._seconds = seconds
        self._parser = h11.Connection(h11.CLIENT)
        self._began = time.monotonic()
        self._received = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def head(self, method: str, path: str, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Send a request up to its body.

        Raises:
            NoAnswerError: If the answer before it has ended the connection.
        """
        if self._parser.our_state is h11.DONE:
            self._parser.start_next_cycle()
        if not self.kept:
            raise NoAnswerError("the connection was not kept after an answer")
        self._began, self._received = time.monotonic(), 0
        named = [("host", f"{self._address.host}:{self._address.port}"), *headers]
        self._send(h11.Request(method=method, target=self._address.path + path, headers=named))

    def body(self, data: bytes) -> None:
        """Send a part of a body; stop early where the server answers already."""
        for begin in range(0, len(data), _PIECE):
            if self._answers_already():
                return
            self._send(h11.Data(data=data[begin : begin + _PIECE]))

    def end(self) -> None:
        """Say that the request is whole, unless it was cut short by the answer."""
        with contextlib.suppress(h11.LocalProtocolError):
            self._send(h11.EndOfMessage())

    def request(self, method: str, path: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> Answer:
        """Send a whole request and read its answer.

        Raises:
            NoAnswerError: If there is none.
        """
        self.head(method, path, [*headers, ("content-length", str(len(body)))] if body or method == "POST" else headers)
        self.body(body)
        self.end()
        return self.answer()

    def answer(self) -> Answer:
        """Read one whole answer.

        Raises:
            NoAnswerError: If it does not come, or not whole.
        """
        parts = list(self.parts())
        status, headers = self._head
        return Answer(status, headers, b"".join(part for _, part in parts), time.monotonic() - self._began)

    def parts(self) -> Iterator[tuple[float, bytes]]:
        """Read an answer as it comes: seconds since the request, and bytes.

        Raises:
            NoAnswerError: If it does not come, or not whole.
        """
        self._head: tuple[int, dict[str, str]] = (0, {})
        while True:
            event = self._next()
            if isinstance(event, h11.Response):
                self._head = (
                    event.status_code,
                    {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers},
                )
            elif isinstance(event, h11.Data):
                yield time.monotonic() - self._began, bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return

    @property
    def status(self) -> int:
        """What the answer being read said first."""
        return self._head[0]

    @property
    def kept(self) -> bool:
        """Whether it takes another request."""
        return self._parser.our_state in {h11.IDLE, h11.DONE}

    def raw(self, data: bytes) -> None:
        """Send bytes that need be no HTTP."""
        with contextlib.suppress(OSError):
            self._socket.sendall(data)

    def push(self, data: bytes, seconds: float) -> int:
        """Send the same bytes over and over for so long, and return how many were taken."""
        self._socket.settimeout(0)
        taken, end = 0, time.monotonic() + seconds
        with contextlib.suppress(OSError):
            while time.monotonic() < end:
                if select.select([], [self._socket], [], 0.05)[1]:
                    taken += self._socket.send(data[taken % len(data) :])
        self._socket.settimeout(self._seconds)
        return taken

    def silence(self) -> bytes:
        """Read until the other end closes, and return what it said.

        Raises:
            NoAnswerError: If it does not close.
        """
        said, end = b"", time.monotonic() + self._seconds
        try:
            while piece := self._socket.recv(_PIECE):
                said += piece
                if b"\r\n\r\n" in said:
                    break
                if len(said) > _PIECE or time.monotonic() > end:
                    raise NoAnswerError("it is answered with noise that does not end")
        except TimeoutError:
            raise NoAnswerError(f"neither an answer nor an end within {self._seconds:g} s") from None
        except OSError:
            pass
        return said

    def reset(self) -> None:
        """Go away without a word: the other end gets a reset."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self.close()

    def close(self) -> None:
        """Go away."""
        self._socket.close()

    def _send(self, event: h11.Event) -> None:
        data = self._parser.send(event)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the answer may be there nevertheless
            try:
                self._socket.sendall(data or b"")
            except TimeoutError:
                raise NoAnswerError(f"the request was not taken within {self._seconds:g} s") from None

    def _answers_already(self) -> bool:
        return bool(select.select([self._socket], [], [], 0)[0])

    def _next(self) -> object:
        while True:
            try:
                event = self._parser.next_event()
            except h11.RemoteProtocolError as error:
                raise NoAnswerError(f"the answer is no HTTP or not whole: {error}") from error
            if event is h11.NEED_DATA:
                self._parser.receive_data(self._receive())
            elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                raise NoAnswerError("the connection was closed without an answer")
            elif not isinstance(event, h11.InformationalResponse):
                return event

    def _receive(self) -> bytes:
        left = self._began + self._seconds - time.monotonic()
        if left <= 0:
            raise NoAnswerError(f"no answer within {self._seconds:g} s")
        self._socket.settimeout(left)
        try:
            data = self._socket.recv(_PIECE)
        except TimeoutError:
            raise NoAnswerError(f"no answer within {self._seconds:g} s") from None
        except OSError as error:
            raise NoAnswerError(f"the connection was closed without a whole answer: {error.strerror}") from error
        self._received += len(data)
        if self._received > _MOST_BYTES:
            raise NoAnswerError(f"the answer is larger than {_MOST_BYTES // 1024**2} MiB, and not read further")
        if not data and self._parser.their_state in {h11.IDLE, h11.SEND_RESPONSE}:
            raise NoAnswerError("the connection was closed without an answer")
        return data
