"""Several processes at one port: started, replaced when one dies, hangs or is stuck, and ended together."""

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
from serving.errors import ServingError, StuckError
from serving.forks import fork_worker
from serving.pulses import Pulses
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
_LOOK_SECONDS = 0.5
_GRACE_SECONDS = 2.0
"""For what a worker does after its drain's time; SageMaker kills all of them 5 s after the longest drain."""
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
        self._pulses = Pulses(settings.heartbeat_seconds)
        self._hung: set[int] = set()
        self._kill_at: float | None = None
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
            heard = signal.sigtimedwait(_WATCHED, _LOOK_SECONDS)
            if heard is not None and heard.si_signo != signal.SIGCHLD:
                self._stop(heard.si_signo)
            self._reap(engine)
            self._kill_hung()
        self._folder.cleanup()
        log.write("info", "stopped", workers=self._settings.workers)
        return self._code

    def _start(self, number: int, engine: Engine | None) -> None:
        pid = fork_worker()
        if pid == 0:
            self._be_worker(number, engine)
        self._born[pid] = (number, time.monotonic())
        self._pulses.forget(number)

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
            if pid not in self._born:  # a process of the model's handler
                continue
            number, born = self._born.pop(pid)
            self._team.tell(number, ready=False)
            if self._kill_at is not None:
                continue
            code = os.waitstatus_to_exitcode(status)
            log.write("error", "worker_died", worker=number, worker_pid=pid, code=code)
            if code > 0 and code != StuckError.exit_code:  # it has said why, and its successor would say the same
                self._code = code
                self._stop(signal.SIGTERM)
                continue
            self._team.count_replaced("hung" if pid in self._hung else "died" if code <= 0 else "stuck")
            self._hung.discard(pid)
            if time.monotonic() - born < _SHORTEST_LIFE_SECONDS:
                time.sleep(_SHORTEST_LIFE_SECONDS)
            self._start(number, engine)

    def _kill_hung(self) -> None:
        """End whose event loop has stopped: it answers nobody, and takes connections that others would answer."""
        now = time.monotonic()
        silent = self._pulses.silent({number: self._team.pulse(number) for number, _ in self._born.values()}, now)
        is_late = self._kill_at is not None and now > self._kill_at
        for pid, (number, _) in self._born.items():
            if (is_late or number in silent) and pid not in self._hung:
                reason = "it was told to end" if is_late else f"no beat for {self._settings.heartbeat_seconds} s"
                log.write("error", "worker_hung", worker=number, worker_pid=pid, reason=reason)
                self._hung.add(pid)
                os.kill(pid, signal.SIGKILL)

    def _stop(self, number: int) -> None:
        self._kill_at = self._kill_at or time.monotonic() + self._settings.drain_seconds + _GRACE_SECONDS
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
