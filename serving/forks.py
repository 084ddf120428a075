"""Processes that a model's handler forks: they are the handler's own, and have no part in the server."""

from __future__ import annotations

import os
import signal
import socket
import stat
from contextlib import suppress
from pathlib import Path

_FILES = "/dev/fd"
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_workers_fork = False


def part_from_forks(port: int) -> None:
    """Let no process that is forked from now on have the port, its connections or the signals; our own workers do.

    A child that keeps a listening socket keeps the port after the server's end: callers wait, and no other can bind it.
    One that keeps the loop's pipe for signals stops the server when it is itself stopped.
    """
    os.register_at_fork(after_in_child=lambda: None if _workers_fork else _part(port))


def fork_worker() -> int:
    """Fork a process that answers at the port."""
    global _workers_fork  # noqa: PLW0603  what the hook in the child can see
    _workers_fork = True
    try:
        return os.fork()
    finally:
        _workers_fork = False


def _part(port: int) -> None:
    with suppress(ValueError):  # of a sub-interpreter
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
    for path in Path(_FILES).iterdir():
        with suppress(OSError):  # one is of the folder that is listed
            if _is_at(int(path.name), port):
                os.close(int(path.name))


def _is_at(file: int, port: int) -> bool:
    if not stat.S_ISSOCK(os.fstat(file).st_mode):
        return False
    with socket.socket(fileno=os.dup(file)) as copy:
        internet = copy.family in (socket.AF_INET, socket.AF_INET6) and copy.type == socket.SOCK_STREAM
        return internet and copy.getsockname()[1] == port
