"""Several processes at one port: started, restarted when one dies, and ended together."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from serving import log, manifest
from serving.engine import Engine
from serving.errors import ServingError
from serving.team import Member, Team

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from serving.settings import Settings

    Work = Callable[[Settings, socket.socket, Engine | None, Member], int]

_WATCHED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)

FORKABLE = ("onnxruntime",)
"""Runtimes that have no threads of their own once a session of one thread is loaded: what the parent has loaded its
children answer with, and share its memory. OpenVINO has threads, which no child inherits."""

_SHORTEST_LIFE_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1


class Supervisor:
    """The parent: it answers nothing, and has no thread but one, so that it may fork at any time.

    Args:
        settings: Say how many workers there are.
        listener: That all of them accept from. A connection that waits in it is lost with no worker.
        work: What a worker does; returns its exit code.
    """

    def __init__(self, settings: Settings, listener: socket.socket, work: Work) -> None:
        self._settings, self._listener, self._work = settings, listener, work
        self._folder = tempfile.TemporaryDirectory(prefix="slipway-")
        self._team = Team(settings.workers, Path(self._folder.name))
        self._born: dict[int, tuple[int, float]] = {}
        self._stopping = False
        self._code = 0

    def run(self) -> int:
        """Keep the workers until a signal ends them, and return the exit code.

        Raises:
            ServingError: If the model does not load.
        """
        engine = _shared(self._settings)
        gc.collect()
        gc.freeze()  # pages that nobody writes to stay shared
        signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        for number in range(self._settings.workers):
            self._start(number, engine)
        while self._born:
            heard = signal.sigwait(_WATCHED)
            if heard == signal.SIGCHLD:
                self._reap(engine)
            else:
                self._stop(heard)
        self._folder.cleanup()
        log.write("info", "stopped", workers=self._settings.workers)
        return self._code

    def _start(self, number: int, engine: Engine | None) -> None:
        pid = os.fork()
        if pid == 0:
            self._be_worker(number, engine)
        self._born[pid] = (number, time.monotonic())

    def _be_worker(self, number: int, engine: Engine | None) -> None:
        code = 1
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
            _end_with_parent()
            code = self._work(self._settings, self._listener, engine, Member(self._team, number))
        except ServingError as error:
            log.write("error", "failed", worker=number, message=str(error))
            os.write(2, f"serving: worker {number}: {error}\n".encode())
            code = error.exit_code
        finally:
            os._exit(code)

    def _reap(self, engine: Engine | None) -> None:
        while self._born:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            number, born = self._born.pop(pid)
            self._team.tell(number, ready=False)
            if self._stopping:
                continue
            code = os.waitstatus_to_exitcode(status)
            log.write("error", "worker_died", worker=number, worker_pid=pid, code=code)
            if code > 0:  # it has said itself why, and its successor would say the same
                self._code = code
                self._stop(signal.SIGTERM)
                continue
            if time.monotonic() - born < _SHORTEST_LIFE_SECONDS:
                time.sleep(_SHORTEST_LIFE_SECONDS)
            self._start(number, engine)

    def _stop(self, number: int) -> None:
        self._stopping = True
        for pid in self._born:
            os.kill(pid, number)


def _end_with_parent() -> None:
    """Let the kernel end this process when its parent is killed: nobody would end it otherwise."""
    with suppress(OSError, AttributeError):  # another system than Linux has no such call
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _shared(settings: Settings) -> Engine | None:
    """Return the loaded model, where the workers can share it."""
    if manifest.read(settings.model_dir).runtime not in FORKABLE:
        return None
    engine = Engine(max_batch=settings.max_batch, batch_size=settings.batch_size)
    engine.load(settings.model_dir, 1)
    return engine
