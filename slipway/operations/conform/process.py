"""A server that we start and end: in a session of its own, so that nothing of it is left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import uuid
from typing import TYPE_CHECKING

import psutil

from slipway.operations.conform.answer import NoAnswerError
from slipway.specs import HostError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from slipway.operations.conform.wire import Address

PING_SECONDS = 2.0
_EVERY_SECONDS = 0.02
_LAST_LINES = 3
_MARK = "SLIPWAY_CONFORM"
"""The variable by which a child is known that has left the session, and whose parent is gone."""
_GONE_SECONDS = 10.0


class Process:
    """One command, started as often as a check wants.

    Args:
        command: Word by word; ``SAGEMAKER_BIND_TO_PORT`` tells it the port, as SageMaker does.
        log: Where its output goes.
        startup_seconds: How long it may take until it answers.
    """

    def __init__(self, command: Sequence[str], address: Address, log: Path, startup_seconds: float) -> None:
        self._command = command
        self.address = address
        self._log = log
        self.startup_seconds = startup_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self.ready_seconds = 0.0
        """How long it took until it was ready, when it was."""
        self._mark = uuid.uuid4().hex

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """How it ended."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it, and wait for nothing.

        Raises:
            HostError: If there is no such command, or something listens there already.
        """
        self._refuse_a_neighbour()
        environment = {**os.environ, "SAGEMAKER_BIND_TO_PORT": str(self.address.port), _MARK: self._mark}
        try:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603  the user's own command
                    self._command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as error:
            raise HostError(f"'{self._command[0]}' cannot be started: {error.strerror}") from error

    def wait_ready(self, ping: Callable[[float], int | None]) -> None:
        """Wait until it says that it is ready.

        Raises:
            HostError: If it ends, or does not become so in time.
        """
        began = time.monotonic()
        end = began + self.startup_seconds
        while time.monotonic() < end:
            if ping(PING_SECONDS) == 200:  # noqa: PLR2004
                self.ready_seconds = time.monotonic() - began
                return
            if not self.runs:
                raise HostError(f"the server ended with {self.code} before it was ready: {self.last_words()}")
            time.sleep(_EVERY_SECONDS)
        raise HostError(f"the server was not ready within {self.startup_seconds:g} s: {self.last_words()}")

    def terminate(self) -> None:
        """Ask it to end, as SageMaker does: the process that was started, and not its children."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and its children without asking, and wait until they are gone."""
        if self._process is None:
            return
        left = [process for process in psutil.process_iter() if self._is_ours(process)]
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self._process.wait()
        end = time.monotonic() + _GONE_SECONDS  # threads that still end hold the port, though their process has ended
        while self._listens() and time.monotonic() < end:
            time.sleep(_EVERY_SECONDS)

    def wait(self, seconds: float) -> int | None:
        """Return how it ended, or None if it has not within so many seconds."""
        assert self._process is not None  # noqa: S101  started before
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None

    def last_words(self) -> str:
        """Return the end of what it wrote."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines() if self._log.is_file() else []
        return " | ".join(line.strip() for line in lines[-_LAST_LINES:]) or "it wrote nothing"

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return bool(process.environ().get(_MARK) == self._mark)
        except (psutil.Error, OSError):
            return False

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _refuse_a_neighbour(self) -> None:
        if self._listens():
            place = f"{self.address.host}:{self.address.port}"
            raise HostError(f"something listens on {place} already: stop it, or leave --command out")

    def _listens(self) -> bool:
        try:
            self.address.connect(1).close()
        except NoAnswerError:
            return False
        return True
