"""Whose line of a model's folder something went wrong at, and a source that takes too long."""

from __future__ import annotations

import errno
import sys
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Timer, main_thread
from typing import TYPE_CHECKING, Final

from slipway.specs import Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

DISK_FULL: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file grew beyond the limit on its size",
}
"""What is the machine's fault, whatever wrote or printed."""


@dataclass(frozen=True)
class Blame:
    """Say where in the model's folder something went wrong.

    Args:
        folder: The model's folder.
        file: The source, for what has no place of its own.
    """

    folder: Path
    file: str

    def problem(self, line: int, message: str, file: str | None = None) -> SpecError:
        """Return the error for a line of the source, or for the whole of it at line 0."""
        return SpecError([Problem(f"models/{self.folder.name}/{file or self.file}", line, "", message)])

    def for_error(self, error: BaseException) -> SpecError:
        """Return the error for something raised, at the innermost line that is the user's own."""
        if isinstance(error, SpecError):
            return error
        if isinstance(error, SyntaxError) and self._own(error.filename or ""):
            return self.problem(error.lineno or 0, f"is not Python: {error.msg}", self._own(error.filename or ""))
        file, line = self.place(error)
        if isinstance(error, SystemExit):
            return self.problem(line, f"ended the process with code {error.code}: return the model instead", file)
        if isinstance(error, MemoryError):
            return self.problem(line, "needs more memory than the machine has free", file)
        text = " ".join(str(error).split()) or "without a message"
        return self.problem(line, f"raised {type(error).__name__}: {text}", file)

    def place(self, error: BaseException) -> tuple[str | None, int]:
        """Return the innermost file and line of the user's own that an error went through, or nothing and 0."""
        frames = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
        return self._innermost(frames)

    def for_frame(self, frame: FrameType | None, seconds: float) -> SpecError:
        """Return the error for a source that is still busy."""
        frames = [(item.filename, item.lineno or 0) for item in traceback.extract_stack(frame)]
        file, line = self._innermost(frames)
        mend = "give it longer with --load-timeout, or mend the source"
        return self.problem(line, f"is still busy here after {seconds:g} s: {mend}", file)

    def _innermost(self, frames: list[tuple[str, int]]) -> tuple[str | None, int]:
        own = [(self._own(file), line) for file, line in frames]
        return next(((file, line) for file, line in reversed(own) if file is not None), (None, 0))

    def _own(self, file: str) -> str | None:
        prefix = f"{self.folder}/"
        return file.removeprefix(prefix) if file.startswith(prefix) else None


@contextmanager
def deadline(seconds: float, blame: Blame, late: Callable[[SpecError], None]) -> Iterator[None]:
    """Call ``late`` from another thread if the block takes longer; Python cannot be made to leave a call."""

    def fire() -> None:
        late(blame.for_frame(sys._current_frames().get(main_thread().ident or 0), seconds))  # noqa: SLF001  its only door

    timer = Timer(seconds, fire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
