"""The worker's own streams: what its parent says to it, and what a source may close or read."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event as Signal
from threading import Thread
from typing import TYPE_CHECKING

from model_build.job import GO

if TYPE_CHECKING:
    from collections.abc import Iterator

LATE = 70
"""The exit code of a worker that ends itself: its parent is gone, or its source takes too long."""


@contextmanager
def standard_streams() -> Iterator[None]:
    """Open standard output and error again after the block.

    A source may close them; the next file would take their places, and all that is printed later.
    """
    log = os.dup(sys.stdout.fileno())
    yield
    with suppress(OSError):  # closed too
        for stream in (1, 2):
            os.dup2(log, stream)
        os.close(log)
    sys.stdout, sys.stderr = (os.fdopen(stream, "w", buffering=1, closefd=False) for stream in (1, 2))


class Leash:
    """Ends this process when the parent is gone, however it went: then the pipe to it is closed."""

    def __init__(self) -> None:
        self._word = Signal()
        self._parent = os.fdopen(os.dup(sys.stdin.fileno()))
        with Path(os.devnull).open() as nothing:
            os.dup2(nothing.fileno(), sys.stdin.fileno())  # a source that reads its input must not read ours
        Thread(target=self._watch, daemon=True).start()

    def wait(self) -> None:
        """Return when the parent says so."""
        self._word.wait()

    def _watch(self) -> None:
        for line in self._parent:
            if line == GO:
                self._word.set()
        os._exit(LATE)
