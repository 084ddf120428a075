"""What every spec has in common."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from slipway.specs.text import Shape

Keys = tuple[str | int, ...]
"""Where a value stands below another: keys by name, list items by number."""


class Spec(BaseModel):
    """A frozen model of something that a user wrote: unknown keys and loose types are refused."""

    impossible: ClassVar[dict[str, str]] = {}
    """Keys that other specs have and this one cannot: what SageMaker forbids, and the mend."""

    reasons: ClassVar[dict[str, str]] = {}
    """Why a key's value is bounded as it is, where the bound alone would puzzle."""

    may_hold_null: ClassVar[frozenset[str]] = frozenset()
    """Keys below which ``null`` is meant; anywhere else it is refused."""

    # Not use_attribute_docstrings: it reads the source at every import; slipway.specs.schemas does so instead.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"
NAME_WORDS = "a name: lower-case letters, digits and inner hyphens, at most 40"
Name = Annotated[str, Shape(NAME_PATTERN, NAME_WORDS)]
"""Lower-case letters, digits and inner hyphens, at most 40: fits every AWS name made from it."""


class Findings:
    """Collects what is wrong inside one model, so that all of it is reported at once."""

    def __init__(self) -> None:
        self._found: list[tuple[Keys, str, tuple[Keys, ...]]] = []

    def add(self, path: Keys, message: str, *, because: tuple[Keys, ...] = ()) -> None:
        """Remember one problem.

        Args:
            path: Keys below the model.
            message: What was received, what is accepted, the mend.
            because: Other values that the complaint rests on; where one of them came from an environment's override,
                the problem is shown there.
        """
        self._found.append((path, message, because))

    def refuse(self) -> None:
        """Raise what was found, if anything was; to be called at the end of a validator."""
        if self._found:
            raise PydanticCustomError("findings", "several problems", {"found": self._found})

    @property
    def found(self) -> list[tuple[Keys, str]]:
        """Place and message of each problem."""
        return [(path, message) for path, message, _ in self._found]
