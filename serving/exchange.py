"""One request and its answer: who asks, what goes back, and the line in the log."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
from time import perf_counter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson

from serving import log
from serving.errors import RequestError
from serving.metrics import METRICS

if TYPE_CHECKING:
    from starlette.types import Scope, Send

    from serving.engine import Answer

_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_ID_HEADERS = (b"x-request-id", b"x-amzn-requestid", b"x-amzn-sagemaker-inference-id")
_CUSTOM_ATTRIBUTES = re.compile(rb"[\x20-\x7e]{1,1024}")  # what SageMaker itself lets through
_CUSTOM_ATTRIBUTES_HEADER = b"x-amzn-sagemaker-custom-attributes"
_JSON = b"application/json"

# One random number a process and a counter: as unique as one a request, at a hundredth of the cost.
_PROCESS = uuid4().hex
_numbers = itertools.count(1)


def _renew() -> None:
    global _PROCESS  # noqa: PLW0603  a forked worker is another process
    _PROCESS = uuid4().hex


os.register_at_fork(after_in_child=_renew)

Headers = list[tuple[bytes, bytes]]


class Exchange:
    """One request, from its headers to its line in the log."""

    __slots__ = (
        "_attributes",
        "_began",
        "_send",
        "_started",
        "batch",
        "bytes_in",
        "bytes_out",
        "caller",
        "headers",
        "path",
        "request_id",
        "seconds",
    )

    def __init__(self, scope: Scope, send: Send) -> None:
        self._began = perf_counter()
        self._send = send
        self._started = False
        self.path: str = scope["path"]
        self.caller: object = scope.get("client")
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.request_id = request_id(self.headers)
        self._attributes = self.headers.get(_CUSTOM_ATTRIBUTES_HEADER)
        self.bytes_in = self.bytes_out = 0
        self.batch = 0
        self.seconds = (0.0, 0.0, 0.0)

    def check_attributes(self) -> None:
        """Refuse custom attributes that SageMaker would not have let through.

        Raises:
            RequestError: 400.
        """
        if self._attributes is not None and _CUSTOM_ATTRIBUTES.fullmatch(self._attributes) is None:
            self._attributes = None
            message = "x-amzn-sagemaker-custom-attributes: accepted: at most 1024 visible ASCII characters"
            raise RequestError(400, "invalid_custom_attributes", message)

    async def answer(self, answer: Answer, media: str, wait: float) -> None:
        """Send 200 and write the line."""
        await self._respond(200, media.encode(), answer.body, ())
        self._answered(answer, wait)

    async def part(self, line: bytes, media: str) -> None:
        """Send a piece of an answer that is still being computed; the first sends 200 before it."""
        if not self._started:
            await self._start(200, media.encode(), ())
        self.bytes_out += len(line)
        await self._send({"type": "http.response.body", "body": line, "more_body": True})

    async def end(self, answer: Answer, wait: float) -> None:
        """Complete an answer that was sent in pieces and write the line."""
        await self._send({"type": "http.response.body", "body": b""})
        self._answered(answer, wait)

    async def say(self, status: int, document: Any) -> None:
        """Send a JSON document and write the line."""
        await self._respond(status, _JSON, orjson.dumps(document), ())
        self._end("info", status)

    async def refuse(self, error: RequestError, **fields: Any) -> None:
        """Send an error as JSON and write the line.

        An answer that has begun is left incomplete instead: uvicorn closes the connection, by which its reader learns
        that the rest will not come.
        """
        if self._started:
            self._end("error", 200, code=error.code, aborted=True, **fields)
            return
        body = {"error": {"code": error.code, "message": error.message}, "request_id": self.request_id}
        await self._respond(error.status, _JSON, orjson.dumps(body), error.headers)
        self._end("error" if error.status == 500 else "info", error.status, code=error.code, **fields)  # noqa: PLR2004

    def note_gone(self) -> None:
        """Write the line of a request whose client has gone; 499 as other servers have it."""
        self._end("info", 499, code="client_gone")

    async def _respond(self, status: int, media: bytes, body: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        await self._start(status, media, ((b"content-length", b"%d" % len(body)), *headers))
        self.bytes_out += len(body)
        await self._send({"type": "http.response.body", "body": body})

    async def _start(self, status: int, media: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        self._started = True
        fields: Headers = [(b"content-type", media), *headers, (b"x-request-id", self.request_id.encode())]
        if self._attributes is not None:
            fields.append((_CUSTOM_ATTRIBUTES_HEADER, self._attributes))
        await self._send({"type": "http.response.start", "status": status, "headers": fields})

    def _answered(self, answer: Answer, wait: float) -> None:
        self.batch, self.seconds = answer.batch, answer.seconds
        # The loop first sends what was written; nobody waits for the line, nor comes before it: the next request is
        # read after it.
        asyncio.get_running_loop().call_soon(self._count, answer, wait, perf_counter() - self._began)

    def _count(self, answer: Answer, wait: float, total: float) -> None:
        METRICS.answer((wait, *answer.seconds), answer.together)
        self._note("info", 200, total, wait)

    def _end(self, level: str, status: int, **fields: Any) -> None:
        self._note(level, status, perf_counter() - self._began, 0.0, **fields)

    def _note(self, level: str, status: int, total: float, wait: float, **fields: Any) -> None:
        METRICS.request(status, total, bytes_in=self.bytes_in, bytes_out=self.bytes_out)
        if not log.enabled(level):
            return
        if self._attributes is not None:
            fields["custom_attributes"] = self._attributes.decode("latin-1")
        log.write(
            level,
            "request",
            request_id=self.request_id,
            path=self.path,
            status=status,
            bytes=self.bytes_in,
            batch=self.batch,
            queue_ms=_milliseconds(wait),
            model_ms=_milliseconds(self.seconds[1]),
            total_ms=_milliseconds(total),
            **fields,
        )


def request_id(headers: dict[bytes, bytes]) -> str:
    """Return what a request is called: as its caller, or AWS, calls it, else a number of our own."""
    for name in _ID_HEADERS:
        value = headers.get(name)
        if value is not None and _REQUEST_ID.fullmatch(value) is not None:
            return value.decode()
    return f"{_PROCESS}-{next(_numbers)}"


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
