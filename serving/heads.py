"""How much a request's head may be, and how long it may take: without a bound, one caller fills a server's memory."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving import log
from serving.errors import RequestError
from serving.exchange import request_id
from serving.metrics import METRICS

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

MOST_BYTES = 32 * 1024
"""Of a head; and of what a body in chunks has besides its bytes, such as trailers."""
MOST_FIELDS = 100
_CHUNK_BYTES = 32
"""What frames each piece of a body in chunks, generously."""
_LINGER_SECONDS = 2.0
"""Of reading what still comes after a refusal: a connection that is closed before takes the refusal with it."""

_TOO_LARGE = RequestError(431, "head_too_large", f"accepted: at most {MOST_BYTES:,} bytes and {MOST_FIELDS} fields")
_MALFORMED = RequestError(400, "malformed_request", "this is no HTTP/1.1")


class HeadProtocol(HttpToolsProtocol):
    """Speaks HTTP with one caller as uvicorn does, within bounds, and refuses in the words of the other refusals.

    Args:
        head_seconds: From the first byte of a head to its last.
        idle_seconds: How long a connection may be silent before its first request.
    """

    def __init__(self, *, head_seconds: float, idle_seconds: float, **given: Any) -> None:
        super().__init__(**given)
        self._head_seconds, self._idle_seconds = head_seconds, idle_seconds
        self._too_slow = RequestError(408, "head_too_slow", f"a request's head took more than {head_seconds:g} s")
        self._in_head, self._completed = True, False  # the second: in this very piece of data
        self._unframed = 0  # bytes of this head so far; in a body, those beyond what is allowed beside it
        self._timer: asyncio.TimerHandle | None = None
        self._refusal: RequestError | None = None
        self._since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin, and wait for a while."""
        super().connection_made(transport)
        self._wait(self._idle_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; of a head no more than it may be."""
        if self._refusal is not None:
            return
        if self._in_head and len(data) > MOST_BYTES - self._unframed:
            data = self._rest_after_head(data)
            if data == b"":
                return
        self._completed = False
        super().data_received(data)
        self._unframed = 0 if self._completed else max(0, self._unframed + len(data))
        if self._in_head:
            if self._unframed > 0 or self._has_begun():
                self._expect_rest()
        elif self._unframed > MOST_BYTES:
            self._refuse(_TOO_LARGE)

    def _rest_after_head(self, data: bytes) -> bytes:
        """Parse as much as a head may be, and return what comes after: a body may have come with it."""
        room = MOST_BYTES - self._unframed
        self._completed = False
        super().data_received(data[:room])
        self._unframed = 0
        if self._in_head and not self._completed:
            self._refuse(_TOO_LARGE)
        return data[room:] if self._refusal is None else b""

    def _has_begun(self) -> bool:
        """Tell whether a head is under way: uvicorn makes a scope at its first byte, and hands it on at its last."""
        scope, cycle = cast("Any", self.scope), cast("Any", self.cycle)  # None at first, whatever their types say
        return scope is not None and (cycle is None or scope is not cycle.scope)

    def _expect_rest(self) -> None:
        if self._since == 0.0:
            self._since = self.loop.time()
            self._wait(self._head_seconds)

    def on_headers_complete(self) -> None:
        """Let the application begin, unless there are too many fields."""
        if len(self.headers) > MOST_FIELDS:
            self._refusal = _TOO_LARGE
            raise ValueError(len(self.headers))  # the parser stops, and uvicorn has send_400_response called
        if self._timer is not None:
            self._wait(None)
        self._since = 0.0
        self._in_head, self._completed = False, True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand on a piece of the body."""
        self._unframed -= len(body) + _CHUNK_BYTES
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the next head."""
        self._in_head, self._completed = True, True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Send what waits for it; what was accepted before a refusal is answered before it."""
        waits = not self.pipeline
        super().on_response_complete()
        if waits and self._refusal is not None:
            self._say(self._refusal)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  ours says as much
        """Refuse what the parser refuses."""
        error, self._refusal = self._refusal or _MALFORMED, None
        self._refuse(error)

    def _wait(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        if self._unframed > 0 or self._has_begun():
            self._refuse(self._too_slow)
        else:
            self.transport.close()

    def _refuse(self, error: RequestError) -> None:
        if self._refusal is not None:
            return
        self._refusal = error
        self._wait(None)
        last: RequestResponseCycle | None = self.cycle
        if last is None or last.response_complete:
            self._say(error)
        elif not self._in_head:
            self._refuse_body(error)

    def _refuse_body(self, error: RequestError) -> None:
        """Refuse the request whose body comes; where it waits behind others they are answered first."""
        if self.pipeline:
            self.pipeline.popleft()
        elif self.cycle.response_started:
            self.transport.close()
        else:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._say(error)

    def _say(self, error: RequestError) -> None:
        if self.transport.is_closing():
            return
        known = request_id({})
        body = orjson.dumps({"error": {"code": error.code, "message": error.message}, "request_id": known})
        head = (
            f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nx-request-id: {known}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.write_eof()
        self._unset_keepalive_if_required()
        self._timer = self.loop.call_later(_LINGER_SECONDS, self.transport.close)
        seconds = self.loop.time() - self._since if self._since else 0.0
        METRICS.request(error.status, seconds, bytes_in=0, bytes_out=len(body))
        log.write("info", "refused", request_id=known, status=error.status, code=error.code)
