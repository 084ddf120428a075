"""From plain data to a spec, with every refusal in our own words and at its line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from slipway.specs.document import Complaint, Document
from slipway.specs.errors import SpecError
from slipway.specs.explain import discriminator, explain
from slipway.specs.outline import follow, tags
from slipway.specs.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slipway.specs.base import Keys
    from slipway.specs.outline import Place


def validate(document: Document, expected: Any) -> Any:
    """Turn a document into a spec.

    Args:
        document: What was read.
        expected: A Spec class, or an annotated union of them.

    Raises:
        SpecError: With every problem found, each at the line of the value that it is about.
    """
    nulls = [null for null in _nulls(document.data, (), _meant(expected)) if null.path not in document.unreadable]
    spec, found = None, []
    try:
        # JSON mode is strict and still lets a list become a tuple and an int a float.
        spec = TypeAdapter(expected).validate_json(json.dumps(document.data), strict=True)
    except ValidationError as error:
        details = [{**detail} for detail in error.errors(include_url=False)]
        found = [complaint for detail in details for complaint in _complaints(document, expected, detail)]
    known = document.unreadable | {null.path for null in nulls}
    complaints = [*nulls, *(one for one in found if not _explained(one, known) and not _misspelt(one, found))]
    if problems := [*document.problems, *map(document.locate, complaints)]:
        raise SpecError(problems)
    return spec


def _meant(expected: Any) -> frozenset[str]:
    return frozenset(getattr(expected, "may_hold_null", ()))


def _nulls(data: Any, path: Keys, meant: frozenset[str]) -> Iterator[Complaint]:
    if path and path[0] in meant:
        return
    if data is None:
        yield Complaint(path, "is null: give it a value, or remove the key")
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in children:
        yield from _nulls(value, (*path, key), meant)


def _complaints(document: Document, expected: Any, detail: dict[str, Any]) -> list[Complaint]:
    place, kind = follow(expected, detail["loc"]), detail["type"]
    detail["written"] = document.written(place.path)
    if kind == "findings":
        return _findings(place.path, detail["ctx"]["found"])
    if kind == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]:
        return []  # pydantic counts the entries that are right; what is wrong with the others is said of them
    if kind == "missing":
        return [Complaint(place.path[:-1], explain(detail, place), missing=str(place.path[-1]))]
    if kind in {"union_tag_not_found", "union_tag_invalid"}:
        return [_undecided(place, detail)]
    return [Complaint(place.path, explain(detail, place))]


def _findings(above: Keys, found: list[tuple[Keys, str, tuple[Keys, ...]]]) -> list[Complaint]:
    return [
        Complaint((*above, *path), message, tuple((*above, *other) for other in because))
        for path, message, because in found
    ]


def _undecided(place: Place, detail: dict[str, Any]) -> Complaint:
    """Say that the key which decides among the members of a union is missing, misspelt or wrong."""
    key = discriminator(detail)
    if key in detail["input"]:
        return Complaint((*place.path, key), explain(detail, place))
    if (wrong := nearest(key, detail["input"])) is not None:
        words = f"unknown key, did you mean '{key}'? one of {', '.join(tags(place, key))}"
        return Complaint((*place.path, wrong), words)
    return Complaint(place.path, explain(detail, place), missing=key)


def _explained(complaint: Complaint, known: Iterable[Keys]) -> bool:
    """Say whether it is about a value that is already complained of, or about what holds one."""
    path = complaint.path
    return any(path == other[: len(path)] or other == path[: len(other)] for other in known)


def _misspelt(complaint: Complaint, found: list[Complaint]) -> bool:
    """Say whether a missing key stands beside a key that was meant to be it."""
    if complaint.missing is None:
        return False
    words = f"unknown key, did you mean '{complaint.missing}'?"
    return any(other.path[:-1] == complaint.path and other.message == words for other in found)
