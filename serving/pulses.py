"""Who of several workers has shown no life for too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_LOOK_SECONDS: Final = 2.0


class Pulses:
    """Adds up for how long each worker has been seen without a new beat.

    A look counts for two seconds at most: where the whole machine was asleep, the parent was too, and nobody hung.

    Args:
        most_seconds: Without a beat.
    """

    def __init__(self, most_seconds: float) -> None:
        self._most = most_seconds
        self._last: dict[int, int] = {}
        self._silent: dict[int, float] = {}
        self._looked: float | None = None

    def forget(self, number: int) -> None:
        """Begin anew with a worker that has just begun."""
        self._last.pop(number, None)
        self._silent.pop(number, None)

    def silent(self, beats: Mapping[int, int | None], now: float) -> set[int]:
        """Return who has shown no life for too long.

        Args:
            beats: What each worker's pulse is now; None where it need not have one.
            now: Seconds of a clock that never goes back.
        """
        passed = 0.0 if self._looked is None else min(now - self._looked, _LONGEST_LOOK_SECONDS)
        self._looked = now
        for number, beat in beats.items():
            if beat is None or self._last.get(number) != beat:
                self.forget(number)
            else:
                self._silent[number] = self._silent.get(number, 0.0) + passed
            if beat is not None:
                self._last[number] = beat
        return {number for number, seconds in self._silent.items() if seconds > self._most}
