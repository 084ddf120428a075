"""Which requests are so quick that the event loop may answer them itself."""

from __future__ import annotations

_MOST_BYTES, _MOST_SECONDS = 4096, 0.01
"""`/ping` waits for what the event loop does."""

_SLOW_SECONDS = 0.05
"""What takes so long there was not quick after all, or the machine was busy: half of its size may be, until more is."""

_STALL_SECONDS = 1.0
"""What takes so long there, as many short texts beside a long one may, is the last of its size to be answered there."""


class Pace:
    """What requests of a size took.

    The size of a body tells what it asks for well enough while a model's time depends on it alone; where it does not,
    the event loop stands still once for each size that misled it, and not again.
    """

    def __init__(self) -> None:
        self._quick, self._most = 0, _MOST_BYTES

    def is_quick(self, size: int) -> bool:
        """Tell whether a body of so many bytes is no larger than one that was answered in a hundredth of a second."""
        return 0 < size <= self._quick

    def note(self, size: int, seconds: float, *, alone: bool) -> None:
        """Learn what a body of so many bytes took, and whether nothing else was being answered."""
        if alone and seconds > _STALL_SECONDS:
            self._most = min(self._most, size - 1)
        if seconds <= _MOST_SECONDS:
            self._quick = max(self._quick, size)
        elif alone and seconds > _SLOW_SECONDS:
            self._quick = min(self._quick, size // 2)
        self._quick = min(self._quick, self._most)
