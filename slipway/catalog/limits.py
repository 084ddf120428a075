"""What the hosting APIs and CloudFormation accept for each property, and limits that only prose states."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

ITEM: Final = "*"
"""The key of what a list or a map holds."""


@dataclass(frozen=True)
class Shape:
    """One property, from ``limits.json`` (which names its sources).

    Args:
        kind: What is written there; numbers and booleans may be written as text.
        by: Which of the two sources states it.
        least: The least number, length of text, or count of items; None where there is no bound.
        most: The greatest.
        accepted: Every value that is; empty where any is.
        patterns: Of which a text must match one wholly; empty where it need not.
        required: Members that must be there.
        members: What an object holds by name; what a list or a map holds as ``ITEM``.
    """

    kind: Literal["boolean", "integer", "list", "map", "number", "object", "text"]
    by: Literal["both", "botocore", "cfn-lint"] = "both"
    least: float | None = None
    most: float | None = None
    accepted: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    members: dict[str, Shape] = field(default_factory=dict)

    def at(self, *path: str) -> Shape:
        """Return a property below this one.

        Raises:
            KeyError: If there is none of that name.
        """
        found = self
        for key in path:
            found = found.members[key]
        return found


@dataclass(frozen=True)
class Limit:
    """A limit that AWS states in prose only, from ``prose_limits.json``.

    Args:
        least: None where there is none.
        most: None where there is none.
        unit: Of both.
        says: What is limited.
        page: That says so.
        read: When, as a date.
    """

    least: float | None
    most: float | None
    unit: str
    says: str
    page: str
    read: str


@cache
def shape(resource_type: str) -> Shape | None:
    """Return what a type of CloudFormation holds; None for types that the catalogue does not have."""
    content = _file("limits.json")
    rows = content["types"].get(resource_type)
    if rows is None:
        return None
    found = {path: _shape(row, content["lists"]) for path, row in rows.items()}
    for path, each in found.items():
        if path != "":
            above, key = _split(path)
            found[above].members[key] = each
    return found[""]


@cache
def limit(name: str) -> Limit:
    """Return a limit of ``prose_limits.json``.

    Raises:
        KeyError: If there is none of that name.
    """
    content = _file("prose_limits.json")
    row = {"least": None, "most": None, "read": content["read"], **content["limits"][name]}
    return Limit(**{**row, "page": content["pages"][row["page"]]})


@cache
def in_words(pattern: str) -> str:
    """Return what a pattern asks for, as people say it."""
    words: str = _file("prose_limits.json")["patterns"].get(pattern, f"what matches {pattern}")
    return words


@cache
def _file(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return content


def _shape(row: dict[str, Any], lists: dict[str, list[str]]) -> Shape:
    accepted = row.get("accepted", ())
    lists_of = {"accepted": lists[accepted] if isinstance(accepted, str) else accepted}
    lists_of |= {key: row[key] for key in ("patterns", "required") if key in row}
    return Shape(**{**row, **{key: tuple(values) for key, values in lists_of.items()}})


def _split(path: str) -> tuple[str, str]:
    if path.endswith(("[]", "{}")):
        return path[:-2], ITEM
    above, _, key = path.rpartition(".")
    return above, key
