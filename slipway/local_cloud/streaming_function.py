"""Lambda functions that stream: each call is a Node.js process whose answer is passed on as it comes."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from .streamed_answer import Receive, Send

_log = logging.getLogger("slipway.local_cloud")
_RUNTIME: Final = Path(__file__).with_suffix(".js")
_DELIMITER: Final = bytes(8)
_CHUNK_BYTES: Final = 2**16
_FAILED: Final = (502, {"Content-Type": "application/json"}, b'{"message": "Internal server error"}')


@dataclass(frozen=True)
class Function:
    """A function as Lambda knows it.

    Args:
        code: The archive that was uploaded.
        handler: ``file.name``.
        environment: Its variables, and what Lambda adds to them.
        timeout_seconds: After so long it is ended.
    """

    code: bytes
    handler: str
    environment: dict[str, str]
    timeout_seconds: float


class FunctionCall:
    """One call of a function that streams."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self._deadline = asyncio.get_running_loop().time() + function.timeout_seconds
        self._open = contextlib.AsyncExitStack()

    async def answer(self, event: dict[str, Any], request_id: str) -> tuple[int, dict[str, Any], Any]:
        """Return status, headers and what sends the body; a function that fails before its first byte is a 502."""
        try:
            async with asyncio.timeout_at(self._deadline):
                await self._start(event, request_id)
                metadata = json.loads((await self._reader.readuntil(_DELIMITER)).removesuffix(_DELIMITER))
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError) as error:
            _log.warning("a function that streams failed before it answered: %r", error)
            await self._open.aclose()
            return _FAILED
        return metadata.get("statusCode", 200), metadata.get("headers", {}), self.send

    async def send(self, receive: Receive, send: Send) -> None:
        """Send the body as it comes; where the function fails within it, the last piece is never sent."""
        async with self._open:
            relay, gone = asyncio.create_task(self._relay(send)), asyncio.create_task(_left(receive))
            try:
                await asyncio.wait((relay, gone), return_when=asyncio.FIRST_COMPLETED)
            finally:
                gone.cancel()
                relay.cancel()
                outcome, _ = await asyncio.gather(relay, gone, return_exceptions=True)
        if isinstance(outcome, Exception):  # not raised: the emulator would complete the answer then
            _log.warning("a function that streams failed within its answer: %r", outcome)

    async def _relay(self, send: Send) -> None:
        async with asyncio.timeout_at(self._deadline):
            while chunk := await self._reader.read(_CHUNK_BYTES):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if await self._process.wait() != 0:
                raise ConnectionAbortedError(f"exit code {self._process.returncode}")
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _start(self, event: dict[str, Any], request_id: str) -> None:
        folder = self._open.enter_context(tempfile.TemporaryDirectory(prefix="streaming-function-"))
        await asyncio.to_thread(_unpack, self._function.code, folder)
        read_end, write_end = os.pipe()
        self._reader = await self._listen(read_end)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *("node", str(_RUNTIME), str(write_end)),
                cwd=folder,
                env={**self._function.environment, "LAMBDA_TASK_ROOT": folder, "_HANDLER": self._function.handler},
                pass_fds=[write_end],
                stdin=asyncio.subprocess.PIPE,
            )
        finally:
            os.close(write_end)
        self._open.push_async_callback(_end, self._process)
        assert self._process.stdin is not None  # noqa: S101  a pipe was asked for
        self._process.stdin.write(json.dumps({"event": event, "context": {"awsRequestId": request_id}}).encode())
        self._process.stdin.close()

    async def _listen(self, read_end: int) -> asyncio.StreamReader:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(read_end, "rb"))
        self._open.callback(transport.close)
        return reader


def _unpack(code: bytes, folder: str) -> None:
    with zipfile.ZipFile(io.BytesIO(code)) as archive:
        archive.extractall(folder)


async def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
