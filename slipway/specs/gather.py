"""Going on after a refusal, so that all problems are reported at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec, TypeVar

from slipway.specs.errors import Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

P = ParamSpec("P")
T = TypeVar("T")


class Problems:
    """What several steps refused."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def attempt(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return what a step gives, or None and keep what it refused."""
        try:
            return step(*args, **kwargs)
        except SpecError as error:
            self.found += error.problems
            return None

    def add(self, problems: Iterable[Problem]) -> None:
        """Keep these too."""
        self.found += problems

    def refuse(self) -> None:
        """Raise SpecError if anything was kept."""
        if self.found:
            raise SpecError(self.found)
