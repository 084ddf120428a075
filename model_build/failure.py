"""What went wrong in a build, in a user's words: the spec, the source's own line, or what the machine lacks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_build.blame import DISK_FULL
from model_build.job import Event
from model_build.work import ShapingError
from slipway.specs import SHRINKING, HostError, Problem, SlipwayError, SpecError

if TYPE_CHECKING:
    from model_build.blame import Blame

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
NO_MEMORY = ("can't allocate memory", "Cannot allocate memory", "bad_alloc", "bad allocation")
"""How PyTorch, the system, and C++ libraries say it."""


@dataclass(frozen=True)
class Failure:
    """Where a build was when an error came.

    Args:
        name: The model's.
        step: What was being done.
        scratch: The folder that it wrote into.
        blame: Knows the model's own files.
    """

    name: str
    step: str
    scratch: str
    blame: Blame

    def event(self, error: BaseException) -> Event:
        """Say an error in a user's words."""
        if isinstance(error, SpecError):
            problems = tuple((item.file, item.line, item.path, item.message) for item in error.problems)
            return Event("error", error=SpecError.__name__, problems=problems)
        if isinstance(error, SlipwayError):
            return Event("error", str(error), type(error).__name__)
        text = _host_text(_root(error), self.scratch)
        if text is not None:
            return self._host(text)
        return self._unforeseen(error)

    def _unforeseen(self, error: BaseException) -> Event:
        """Blame the source where an error went through it, or where tracing its model failed."""
        file, line = self.blame.place(error)
        if isinstance(error, ShapingError) and error.step.startswith("export"):
            reason = f"cannot be exported to ONNX: {_first_line(_root(error))}"
            return self.event(
                self.blame.problem(line, f"{reason} (all of it in .slipway/logs/build-{self.name}.log)", file)
            )
        if isinstance(error, ShapingError) and error.step in SHRINKING:  # what the spec asks of this network
            where = f"models/{self.name}/model.yaml"
            return self.event(SpecError([Problem(where, 0, error.step, error.reason)]))
        if file is not None:  # the original itself, when it was asked to answer
            return self.event(self.blame.for_error(error))
        return self._host(f"{type(error).__name__}: {_first_line(error)}")

    def _host(self, text: str) -> Event:
        return Event("error", f"{self.name}: {self.step} failed: {text}", HostError.__name__)


def _host_text(error: BaseException, scratch: str) -> str | None:
    """Say what the machine lacks, if that is what the error is about."""
    if isinstance(error, MemoryError) or any(words in str(error) for words in NO_MEMORY):
        return "memory is used up"
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return f"{DISK_FULL[error.errno]} while {error.filename or scratch} was written"
    return None


def _root(error: BaseException) -> BaseException:
    """Return what an exporter's own summary was raised for."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in COLOURS.sub("", str(error)).splitlines() if line.strip() != ""]
    return lines[0] if lines else type(error).__name__
