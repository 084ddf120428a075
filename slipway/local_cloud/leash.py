"""Ties a process to its owner: the owner holds the write end of a pipe, and its death, however it dies, is EOF here.

``python -m slipway.local_cloud.leash FD MODULE WORD…`` runs MODULE with these words in this process, on the leash whose
read end is FD; ``… FD -- PROGRAM WORD…`` runs a program as a child, and what else is in this process group ends with it
or with the leash.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


RELEASE = b"r"
"""Written into the pipe, it lets the process outlive its owner."""


def hold(read_end: int, leave: Callable[[], None]) -> threading.Thread:
    """Call ``leave`` from a daemon thread as soon as the owner of the pipe is gone."""
    thread = threading.Thread(target=_wait_for_end, args=(read_end, leave), daemon=True, name="leash")
    thread.start()
    return thread


def _wait_for_end(read_end: int, leave: Callable[[], None]) -> None:
    while word := os.read(read_end, 64):
        if RELEASE in word:
            return
    leave()


def _run(words: list[str]) -> int:
    """Run a program to its end, hand on what asks it to end, and return its exit code."""
    child = subprocess.Popen(words)  # noqa: S603  a host's own command
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda given, _: child.send_signal(given))
    code = child.wait()
    _end_group()
    return code


def _end_group() -> None:
    """End what a program leaves behind, as multi-model-server does its workers."""
    import psutil  # late: modules on a leash need none of it

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if process.pid != os.getpid() and os.getpgid(process.pid) == os.getpgrp():
                process.kill()


def main() -> None:
    """Run the module named on the command line until its owner is gone."""
    read_end, module = int(sys.argv[1]), sys.argv[2]
    if module == "--":
        hold(read_end, lambda: os.killpg(0, signal.SIGKILL))
        sys.exit(_run(sys.argv[3:]))
    sys.argv = [module, *sys.argv[3:]]
    hold(read_end, lambda: os._exit(0))  # at once: a hanging model must not outlive its endpoint
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
