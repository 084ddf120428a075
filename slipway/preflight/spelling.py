"""Which name was meant by one that is nearly right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

SEPARATORS: Final = re.compile(r"[-_. /]")
SHORTEST: Final = 4
"""Of shorter words, one letter more or less may well be another name: ``model-a`` and ``model-b`` both exist."""


def meant(name: str, among: Collection[str]) -> str | None:
    """Return the name that differs by its case, its separators, or one slip in one word; None where none does.

    Args:
        name: As it was written.
        among: The names that there are. If the name is one of them, nothing else was meant.
    """
    if name in among:
        return None
    near = (other for other in among if abs(len(other) - len(name)) <= 1 and _same_but_for_a_slip(name, other))
    return next(near, None)


def _same_but_for_a_slip(name: str, other: str) -> bool:
    ours, theirs = (SEPARATORS.split(each.casefold()) for each in (name, other))
    if "".join(ours) == "".join(theirs):
        return True
    differing = [(a, b) for a, b in zip(ours, theirs, strict=False) if a != b]
    return len(ours) == len(theirs) and len(differing) == 1 and _is_slip(*differing[0])


def _is_slip(a: str, b: str) -> bool:
    """Return whether a letter is missing, another one, or changed places with its neighbour."""
    if not (a.isalpha() and b.isalpha()) or min(len(a), len(b)) < SHORTEST:
        return False
    start = next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest, other = a[start:], b[start:]
    swapped = rest[:2] == other[1::-1] and rest[2:] == other[2:]
    return rest[1:] == other or rest == other[1:] or rest[1:] == other[1:] or swapped
