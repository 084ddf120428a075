"""What the workers of one server know of each other: who is ready, and what all have counted."""

from __future__ import annotations

import mmap
from contextlib import suppress
from typing import TYPE_CHECKING

import orjson

from serving.metrics import METRICS, REPLACED, Metrics

if TYPE_CHECKING:
    from pathlib import Path

_READY, _NOT_READY = 1, 0
_BEATS = 256


class Team:
    """Shared by a parent and the workers that it forks.

    Args:
        size: How many workers there are.
        folder: Where each leaves its numbers, so that they outlive it.
    """

    def __init__(self, size: int, folder: Path) -> None:
        self._ready, self._beats = mmap.mmap(-1, size), mmap.mmap(-1, size)
        self._replaced = memoryview(mmap.mmap(-1, 4 * len(REPLACED))).cast("I")
        self._connections = memoryview(mmap.mmap(-1, 4 * size)).cast("I")
        self._folder = folder
        self._size = size

    @property
    def all_ready(self) -> bool:
        """Whether every worker can answer."""
        return self._ready[:] == bytes([_READY]) * self._size

    def tell(self, number: int, *, ready: bool) -> None:
        """Let the others know of one worker."""
        self._ready[number] = _READY if ready else _NOT_READY

    def beat(self, number: int) -> None:
        """Show that one worker lives."""
        self._beats[number] = (self._beats[number] + 1) % _BEATS

    def pulse(self, number: int) -> int | None:
        """Return what changes as long as a worker lives; None of one that is not ready, which may take its time."""
        return self._beats[number] if self._ready[number] == _READY else None

    def count_replaced(self, reason: str) -> None:
        """Count a worker that ended, and why; the parent alone does."""
        self._replaced[REPLACED.index(reason)] += 1

    def tell_connections(self, number: int, count: int) -> None:
        """Let the others know how many connections one worker has."""
        self._connections[number] = count

    def has_fewest_connections(self, number: int) -> bool:
        """Whether no other worker has fewer."""
        return self._connections[number] <= min(self._connections)

    def keep(self, number: int) -> None:
        """Leave a worker's numbers where the others find them."""
        path = self._path(number)
        new = path.with_suffix(".new")
        with suppress(OSError):  # a full disk stops no answer
            new.write_bytes(orjson.dumps(METRICS.state()))
            new.replace(path)

    def resume(self, number: int) -> None:
        """Go on counting where the worker's predecessor ended: a counter never falls."""
        with suppress(OSError):
            METRICS.add(orjson.loads(self._path(number).read_bytes()))

    def together(self, number: int) -> Metrics:
        """Return what all have counted; of the others, what they left last."""
        whole = Metrics()
        whole.replaced = dict(zip(REPLACED, self._replaced, strict=True))
        whole.add(METRICS.state())
        for other in range(self._size):
            if other != number:
                with suppress(OSError):
                    whole.add(orjson.loads(self._path(other).read_bytes()))
        return whole

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.json"


class Member:
    """One worker's place in the team."""

    def __init__(self, team: Team, number: int) -> None:
        self._team, self.number = team, number
        self._kept = 0
        team.resume(number)
        team.tell_connections(number, 0)

    def tell(self, *, ready: bool) -> None:
        """Let the others know whether this worker can answer, and what it has counted."""
        self._team.tell(self.number, ready=ready)
        self._team.beat(self.number)
        if METRICS.answers != self._kept:
            self._kept = METRICS.answers
            self._team.keep(self.number)

    def tell_connections(self, count: int) -> None:
        """Let the others know how many connections this worker has."""
        self._team.tell_connections(self.number, count)

    @property
    def has_fewest_connections(self) -> bool:
        """Whether no other worker has fewer connections."""
        return self._team.has_fewest_connections(self.number)

    @property
    def all_ready(self) -> bool:
        """Whether every worker can answer."""
        return self._team.all_ready

    def metrics(self) -> Metrics:
        """Return what all have counted."""
        return self._team.together(self.number)
