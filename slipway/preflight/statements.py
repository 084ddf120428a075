"""One statement of a policy, and what it says of an action on a resource: yes, no, or that only a deployment knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.preflight.globs import covers
from slipway.preflight.values import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.preflight.template import Path, Resource


@dataclass(frozen=True)
class Statement:
    """A statement, and where it stands.

    Args:
        holder: The role, policy, bucket policy or key that holds it.
        path: Of the statement, below ``Properties``.
        written: Its content, names of buckets made plain.
    """

    holder: Resource
    path: Path
    written: dict[str, Any]

    @property
    def allows(self) -> bool:
        """Whether it gives rights; one that denies takes them."""
        return self.written.get("Effect") == "Allow"

    @property
    def denies(self) -> bool:
        """Whether it takes rights."""
        return self.written.get("Effect") == "Deny"

    @property
    def conditional(self) -> bool:
        """Whether it speaks under conditions."""
        return self.written.get("Condition") not in (None, {})

    def listed(self, key: str) -> list[Any]:
        """Return what stands under a key that takes one or several."""
        value = self.written.get(key)
        return value if isinstance(value, list) else [] if value is None else [value]

    def speaks_of(self, action: str, resource: Any) -> bool | None:
        """Return whether it is about an action on a resource, conditions left aside."""
        return both(self._of("Action", action.lower()), self._of("Resource", resource))

    def applies_to(self, action: str, resource: Any) -> bool | None:
        """Return whether it is about an action on a resource; a condition leaves that open."""
        found = self.speaks_of(action, resource)
        return None if found and self.conditional else found

    def _of(self, key: str, name: Any) -> bool | None:
        lower = key == "Action"
        if f"Not{key}" in self.written:
            found = some(covers(_cased(each, lower=lower), name) for each in self.listed(f"Not{key}"))
            return None if found is None else not found
        if key not in self.written:
            return None
        return some(covers(_cased(each, lower=lower), name) for each in self.listed(key))


def _cased(value: Any, *, lower: bool) -> Any:
    return value.lower() if lower and isinstance(value, str) else value


def some(answers: Iterable[bool | None]) -> bool | None:
    """Return whether one is yes; None where none is and one is not known."""
    given = list(answers)
    return True if True in given else None if None in given else False


def both(one: bool | None, other: bool | None) -> bool | None:  # noqa: FBT001  two answers, neither a switch
    """Return whether both are yes; None where neither is no and one is not known."""
    return False if one is False or other is False else None if one is None or other is None else True


def statements_in(holder: Resource, path: Path, document: Any) -> tuple[list[Statement], bool]:
    """Return the statements of a policy document, and whether they are all there is to it."""
    if isinstance(document, Unknown):
        return [], False
    listed = document.get("Statement") if isinstance(document, dict) else None
    several = listed if isinstance(listed, list) else [] if listed is None else [listed]
    found = [
        Statement(holder, (*path, "Statement", index), each)
        for index, each in enumerate(several)
        if isinstance(each, dict)
    ]
    return found, len(found) == len(several) and all(isinstance(each.written.get("Effect"), str) for each in found)


def for_everybody(statement: Statement) -> bool:
    """Return whether a statement of a resource's policy names everybody."""
    principal = statement.written.get("Principal")
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    return "*" in named if isinstance(named, list) else named == "*"
