"""How a build shows what it does: bars on a terminal, a line per finished step elsewhere, or nothing."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import TaskID


class Progress(Protocol):
    """Receives what happens; called from several threads."""

    def begin(self, model: str, steps: int) -> None:
        """Say that a model's build begins."""

    def step(self, model: str, name: str) -> None:
        """Say that a step begins, and so that the one before it is finished."""

    def note(self, model: str, text: str) -> None:
        """Say how far a long step is."""

    def finish(self, model: str, outcome: str) -> None:
        """Say how a model's build ended."""

    def notice(self, text: str) -> None:
        """Say something that is worth a line."""


class Silent:
    """Says nothing."""

    def begin(self, model: str, steps: int) -> None:
        """Say nothing."""

    def step(self, model: str, name: str) -> None:
        """Say nothing."""

    def note(self, model: str, text: str) -> None:
        """Say nothing."""

    def finish(self, model: str, outcome: str) -> None:
        """Say nothing."""

    def notice(self, text: str) -> None:
        """Say nothing."""


class Lines:
    """Writes a plain line for each finished step.

    Args:
        stream: Usually standard error.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._running: dict[str, tuple[str, float]] = {}

    def begin(self, model: str, steps: int) -> None:
        """Wait for the first step."""

    def step(self, model: str, name: str) -> None:
        """Write the step that ended."""
        self._end(model)
        self._running[model] = (name, time.monotonic())

    def note(self, model: str, text: str) -> None:
        """Write it beside the step's name."""
        self.notice(f"{model}: {self._running[model][0]}: {text}")

    def finish(self, model: str, outcome: str) -> None:
        """Write the last step, and the outcome."""
        self._end(model)
        self.notice(f"{model}: {outcome}")

    def notice(self, text: str) -> None:
        """Write the line at once, whole."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def _end(self, model: str) -> None:
        if model in self._running:
            name, begun = self._running.pop(model)
            self.notice(f"{model}: {name} {time.monotonic() - begun:.1f} s")


class Bars:
    """Draws a bar for each model; to be used as a context manager.

    Args:
        stream: A terminal.
    """

    def __init__(self, stream: IO[str]) -> None:
        from rich import progress
        from rich.console import Console

        columns = (
            progress.TextColumn("{task.fields[model]:<20}"),
            progress.BarColumn(24),
            progress.TextColumn("{task.description:<18}"),
            progress.TimeElapsedColumn(),
            progress.TextColumn("{task.fields[note]}"),
        )
        self._bars = progress.Progress(*columns, console=Console(file=stream))
        self._tasks: dict[str, TaskID] = {}
        self._steps: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def begin(self, model: str, steps: int) -> None:
        """Draw an empty bar."""
        self._tasks[model] = self._bars.add_task("starting", total=steps, model=model, note="")
        self._steps[model] = -1

    def step(self, model: str, name: str) -> None:
        """Name the step and move the bar by the one before."""
        self._steps[model] += 1
        self._bars.update(self._tasks[model], description=name, note="", completed=self._steps[model])

    def note(self, model: str, text: str) -> None:
        """Write it behind the step's name."""
        self._bars.update(self._tasks[model], note=text)

    def finish(self, model: str, outcome: str) -> None:
        """Stop the bar where it is, or fill it."""
        if outcome == BUILT:
            self._bars.update(self._tasks[model], completed=self._bars.tasks[self._tasks[model]].total)
        self._bars.update(self._tasks[model], description=outcome)
        self._bars.stop_task(self._tasks[model])

    def notice(self, text: str) -> None:
        """Write a line above the bars."""
        self._bars.console.print(text, markup=False, highlight=False)


@contextmanager
def showing(stream: IO[str]) -> Iterator[Progress]:
    """Show a build's progress as suits a stream: bars on a terminal, lines elsewhere."""
    if not stream.isatty():
        yield Lines(stream)
        return
    with Bars(stream) as bars:
        yield bars


BUILT = "built"
