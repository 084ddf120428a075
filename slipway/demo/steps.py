"""Steps that a person watches: a spinner on a terminal, one line per finished step elsewhere."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterator


class Steps:
    """Shows and times the steps of a long command, on stderr."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._console = Console(stderr=True, highlight=False)

    @contextmanager
    def step(self, name: str, doing: str, *, alone: bool = True) -> Iterator[None]:
        """Show ``doing`` until the block ends, then keep its seconds under ``name``.

        Args:
            name: Short, for machines.
            doing: What a person reads.
            alone: False where the block shows progress of its own.
        """
        begun = time.monotonic()
        if alone and self._console.is_terminal:
            with self._console.status(doing):
                yield
        else:
            yield
        self.seconds[name] = round(time.monotonic() - begun, 2)
        self._console.print(f"  {doing} [dim]{self.seconds[name]:.1f} s[/dim]")
