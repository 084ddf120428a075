"""What parent and child say to each other: one job in, events out, each a line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.specs import Project

Kind = Literal["step", "note", "proved", "done", "error"]
GO = "go\n"
LOAD_TIMEOUT_SECONDS = 900.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """One model to build, or to answer with.

    Args:
        root: Of the project.
        name: Of the model.
        digest: Of the artifact to be.
        scratch: Where the child may write.
        load_timeout_seconds: How long the source may take.
        chosen: Recipe that an earlier search kept; None to search.
        samples: How many inputs the original is to answer, instead of being built.
        inputs: JSON file with what it is to answer; None for the model's own data.
        rehearse: Whether only that is done which needs no GPU.
        neo: Whether only that is written which SageMaker Neo is given.
    """

    root: str
    name: str
    digest: str
    scratch: str
    load_timeout_seconds: float
    chosen: str | None = None
    samples: int | None = None
    inputs: str | None = None
    rehearse: bool = False
    neo: bool = False

    def write(self, path: Path) -> None:
        """Write the job for the child to read."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Job:
        """Read the job."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Event:
    """One thing that happened in the child.

    Args:
        kind: ``step``: one began, its name is the text. ``note``: how far it is, in the text. ``proved``: waits for the
            word to go on. ``done``: all is written. ``error``: ended by the error named in ``error``, its words are the
            text.
        text: See above.
        error: Name of the class of the error.
        problems: File, line, path, message of each problem of a SpecError.
        peak_bytes: Most memory that the child has had so far.
    """

    kind: Kind
    text: str = ""
    error: str = ""
    problems: tuple[tuple[str, int, str, str], ...] = ()
    peak_bytes: int = 0

    def line(self) -> str:
        """Return the event as a line."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def parse(cls, line: str) -> Event:
        """Return the event of a line."""
        fields: dict[str, Any] = json.loads(line)
        fields["problems"] = tuple((str(f), int(n), str(p), str(m)) for f, n, p, m in fields["problems"])
        return cls(**fields)


def log_file(project: Project, name: str, what: str) -> Path:
    """Return where a child's own words go."""
    return project.root / ".slipway" / "logs" / f"{what}-{name}.log"
