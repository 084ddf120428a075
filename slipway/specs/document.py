"""A YAML file as plain data that remembers where each value stood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from slipway.specs.errors import Problem

if TYPE_CHECKING:
    from slipway.specs.base import Keys


class Position(NamedTuple):
    """Where a value was written.

    Args:
        file: As messages name it.
        line: First line is 1.
        path: Where in that file, which differs from where in the document after a merge.
        written: The text of a number as it stands in the file.
    """

    file: str
    line: int
    path: Keys
    written: str | None = None


class Complaint(NamedTuple):
    """One thing that is wrong, by its place in the document.

    Args:
        path: What it is about.
        message: In the words of a user.
        because: Other values that it rests on.
        missing: A key below ``path`` that is not there.
    """

    path: Keys
    message: str
    because: tuple[Keys, ...] = ()
    missing: str | None = None


@dataclass
class Document:
    """One parsed file, or several laid over each other.

    Args:
        file: Its path as messages name it.
        data: Plain dicts, lists and scalars.
        positions: Where each value was written, by its path in ``data``.
        unreadable: Values that could not be taken over; ``data`` holds None for them.
        problems: What reading found, whether or not a value suffered.
    """

    file: str
    data: Any
    positions: dict[Keys, Position] = field(default_factory=dict)
    unreadable: set[Keys] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, path: Keys, message: str) -> Problem:
        """Say that something is wrong at a path, with the line of its nearest written ancestor."""
        return self.locate(Complaint(path, message))

    def locate(self, complaint: Complaint) -> Problem:
        """Find the file and line of a complaint; an override's value is preferred to what it was laid over."""
        places = [self._nearest(path) for path in (complaint.path, *complaint.because)]
        place = next((place for place in places if place.file != self.file), places[0])
        if complaint.missing is not None:
            # An override may have removed the key, and is to blame then.
            place = self._nearest((*complaint.path, complaint.missing))
            place = place._replace(path=place.path[:-1])
        return Problem(place.file, place.line, spell(place.path), complaint.message)

    def written(self, path: Keys) -> str | None:
        """Return how a number was spelt in its file, where that is known."""
        position = self.positions.get(path)
        return None if position is None else position.written

    def _nearest(self, path: Keys) -> Position:
        at = path
        while at and at not in self.positions:
            at = at[:-1]
        found = self.positions.get(at, Position(self.file, 0, ()))
        return found._replace(path=(*found.path, *path[len(at) :]))


def spell(path: Keys) -> str:
    """Write a path as users do: ``variants[0].weight``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
