"""What the conditions of a template come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.values import is_known

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_DEPTH: Final = 60
MOST_LINKS: Final = 30
"""How many conditions may rest on one another."""


class Conditions:
    """The conditions of a template, each looked at once.

    Args:
        template: As it was read.
        value: Resolves what is compared.
    """

    def __init__(self, template: dict[str, Any], value: Callable[[Any, int], Any]) -> None:
        written = template.get("Conditions")
        self._written = written if isinstance(written, dict) else {}
        self._value = value
        self._known: dict[str, bool | None] = {}
        self._open = 0

    def truth(self, name: Any) -> bool | None:
        """Return what a condition comes to; None where only a deployment knows."""
        if not isinstance(name, str) or self._open > MOST_LINKS:
            return None
        if name not in self._known:
            self._known[name] = None  # what a cycle comes to
            self._open += 1
            self._known[name] = self._of(self._written.get(name), 0)
            self._open -= 1
        return self._known[name]

    def _of(self, written: Any, depth: int) -> bool | None:
        if depth > MOST_DEPTH or not isinstance(written, dict) or len(written) != 1:
            return None
        word, inner = next(iter(written.items()))
        if word == "Condition":
            return self.truth(inner)
        if word == "Fn::Equals":
            return self._equals(inner, depth + 1)
        return _combined(word, [self._of(each, depth + 1) for each in inner] if isinstance(inner, list) else [])

    def _equals(self, inner: Any, depth: int) -> bool | None:
        sides = [self._value(side, depth) for side in inner] if isinstance(inner, list) else []
        if len(sides) != 2 or not all(is_known(side) for side in sides):  # noqa: PLR2004  it compares two
            return None
        return str(sides[0]) == str(sides[1])


def _combined(word: str, truths: list[bool | None]) -> bool | None:
    if word == "Fn::Not" and len(truths) == 1:
        return None if truths[0] is None else not truths[0]
    if word not in ("Fn::And", "Fn::Or") or not truths:
        return None
    decisive = word == "Fn::Or"
    if decisive in truths:
        return decisive
    return None if None in truths else not decisive
