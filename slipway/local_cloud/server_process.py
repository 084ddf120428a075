"""One real model server: started, watched, restarted, drained."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, STDOUT
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from . import leash
from .exchange import NoReplyError, OpenReply, Reply, exchange, open_exchange
from .ports import free_port

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from pathlib import Path

    from .hosts.base import Command

_log = logging.getLogger("slipway.local_cloud")

INVOCATION_SECONDS: Final = 60.0
_PING_SECONDS: Final = 2.0
_PING_EVERY_SECONDS: Final = 0.05
_TERMINATION_SECONDS: Final = 15.0
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 10.0
_LOG_LINES: Final = 5


class StartupError(Exception):
    """A server that ended or never answered /ping; the message holds its last words."""


class ServerDownError(Exception):
    """The server is not there: it died, and its successor is not ready yet."""


class ServerProcess:
    """A server on a free loopback port, restarted with growing pauses whenever it dies.

    Args:
        folder: Its working folder.
        log: Where its output goes, after what is there already.
        command: Says what to run on a port.
    """

    def __init__(self, folder: Path, log: Path, command: Callable[[int], Command]) -> None:
        self._folder = folder
        self._log_file = log
        self._command = command
        self._log_start = 0
        self._leash: int | None = None
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self.port = 0
        self.ready = False
        self.in_flight = 0

    @property
    def pid(self) -> int | None:
        """The process id, None before the first start."""
        return self._process.pid if self._process is not None else None

    async def start(self, seconds: float) -> None:
        """Start the server and wait until it is healthy.

        A server that ends at once is tried a second time: another program may have taken its port.

        Raises:
            StartupError: If it is not healthy in time.
        """
        try:
            async with asyncio.timeout(seconds):
                for _ in range(2):
                    await self._spawn()
                    if await self._becomes_healthy():
                        break
                else:
                    raise StartupError(self._last_words())
        except TimeoutError:
            raise StartupError(self._last_words()) from None
        self.ready = True
        self._keeper = asyncio.create_task(self._keep_alive(seconds))

    async def invoke(self, body: bytes, headers: Mapping[str, str], seconds: float = INVOCATION_SECONDS) -> Reply:
        """Pass one invocation on and return the server's answer, whatever its status.

        Raises:
            ServerDownError: At once, where nothing can answer.
            TimeoutError: After so many seconds.
        """
        return await self.request("POST", "/invocations", headers, body, seconds)

    async def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Reply:
        """Pass one request on and return the server's answer, whatever its status.

        Raises:
            ServerDownError: At once, where nothing can answer.
            TimeoutError: After so many seconds.
        """
        with self._counted():
            try:
                async with asyncio.timeout(seconds):
                    return await exchange(self.port, method, path, headers, body)
            except NoReplyError as error:
                raise ServerDownError from error

    @contextlib.asynccontextmanager
    async def stream(self, body: bytes, headers: Mapping[str, str]) -> AsyncIterator[OpenReply]:
        """Pass one request on and give the server's answer once it begins. Sets no time limit.

        Raises:
            ServerDownError: At once, where nothing can answer.
        """
        with self._counted():
            try:
                reply = await open_exchange(self.port, "POST", "/invocations", headers, body)
            except NoReplyError as error:
                raise ServerDownError from error
            try:
                yield reply
            finally:
                reply.close()

    async def drain(self) -> None:
        """Let requests in flight finish, then end the server; nobody may send new ones meanwhile."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(INVOCATION_SECONDS):
                await self._idle.wait()
        await self.stop()

    async def stop(self) -> None:
        """End the server: politely first, then by force."""
        self.ready = False
        if self._keeper is not None:
            self._keeper.cancel()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _TERMINATION_SECONDS)
        await self._kill()

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        if not self.ready:
            raise ServerDownError
        self.in_flight += 1
        self._idle.clear()
        try:
            yield
        finally:
            self.in_flight -= 1
            if self.in_flight == 0:
                self._idle.set()

    async def _spawn(self) -> None:
        await self._kill()
        self.port = free_port()
        read_end, self._leash = os.pipe()
        try:
            with self._log_file.open("ab") as log:
                self._log_start = log.tell()
                command = self._command(self.port)
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-P", leash.__file__, str(read_end), *command.words),
                    cwd=self._folder,
                    env=command.environment,
                    pass_fds=[read_end],
                    start_new_session=True,  # a group of its own, so that what it starts ends with it
                    stdin=DEVNULL,
                    stdout=log,
                    stderr=STDOUT,
                )
        finally:
            os.close(read_end)

    async def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        if self._leash is not None:
            os.close(self._leash)
            self._leash = None

    async def _becomes_healthy(self) -> bool:
        while self._process is not None and self._process.returncode is None:
            if await self._answers_ping():
                # Another program on the port could have answered for a server that is already gone.
                return self._process.returncode is None
            await asyncio.sleep(_PING_EVERY_SECONDS)
        return False

    async def _answers_ping(self) -> bool:
        try:
            async with asyncio.timeout(_PING_SECONDS):
                return (await exchange(self.port, "GET", "/ping", {})).status == HTTPStatus.OK
        except (NoReplyError, TimeoutError):
            return False

    async def _keep_alive(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE_SECONDS
        while self._process is not None:
            since = loop.time()
            await self._process.wait()
            self.ready = False
            _log.warning("server %s on port %s ended with %s", self.pid, self.port, self._process.returncode)
            pause = _FIRST_PAUSE_SECONDS if loop.time() - since > _LONGEST_PAUSE_SECONDS else pause * 2
            await asyncio.sleep(min(pause, _LONGEST_PAUSE_SECONDS))
            with contextlib.suppress(TimeoutError, OSError):  # what the machine lacks now it may have later
                await self._spawn()
                self.ready = await asyncio.wait_for(self._becomes_healthy(), seconds)
            if not self.ready:
                await self._kill()

    def _last_words(self) -> str:
        with self._log_file.open("rb") as log:
            log.seek(self._log_start)
            return "\n".join(log.read().decode(errors="replace").splitlines()[-_LOG_LINES:])
