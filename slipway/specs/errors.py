"""Every error that a user of Slipway can meet.

SlipwayError
├─ GateError          exit 1   a proof failed: verify below its gate, an answer that differs
├─ SpecError          exit 2   what a user wrote is wrong; carries every problem found
├─ UsageError         exit 2   a command was given words that it cannot use
├─ HostError          exit 3   the machine: missing tool, port taken, disk full, another run in the way
└─ InterruptedByUser  exit 4   Ctrl-C
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class SlipwayError(Exception):
    """Anything that ends a command with one clear message instead of a traceback."""

    exit_code: ClassVar[int] = 3


class GateError(SlipwayError):
    """A proof failed, so what it guards was not made."""

    exit_code = 1


class UsageError(SlipwayError):
    """A command was called with words that it cannot use."""

    exit_code = 2


class HostError(SlipwayError):
    """The machine lacks something: a tool, a free port, disk, a lock that another process holds."""

    exit_code = 3


class InterruptedByUser(SlipwayError):  # noqa: N818  an interruption is no fault
    """The user pressed Ctrl-C."""

    exit_code = 4


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in a file.

    Args:
        file: Path as the user would type it, relative to the project.
        line: First line is 1; 0 where the file as a whole is meant.
        path: Where in the document, as in ``variants[0].weight``; empty for the document itself.
        message: What was received, what is accepted, the mend; lower case, no full stop.
    """

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line else "file"
        return f"{where}  {self.path}: {self.message}" if self.path else f"{where}  {self.message}"


class SpecError(SlipwayError):
    """What a user wrote is wrong.

    Args:
        problems: All of them, at least one; printed by file and line.
    """

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(_by_file(self.problems)))


def _by_file(problems: tuple[Problem, ...]) -> list[str]:
    lines = []
    for file, group in groupby(problems, key=lambda problem: problem.file):
        found = list(group)
        lines.append(f"{file}: {len(found)} problem{'s' if len(found) > 1 else ''}")
        lines += [f"  {problem}" for problem in found]
    return lines
