"""Which resources a template creates before others, and which of them anything mentions."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from slipway.preflight.resolving import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator


class References:
    """Ref, GetAtt, Sub and DependsOn, as they were written.

    Args:
        document: The template, as it was read.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._direct: dict[str, set[str]] = {}
        self._reached: dict[str, set[str]] = {}

    def waits(self, logical_id: str, other: str) -> bool:
        """Return whether CloudFormation creates a resource only after another, directly or by way of others."""
        if logical_id not in self._reached:
            self._reached[logical_id] = self._all(logical_id)
        return other in self._reached[logical_id]

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """What another resource or an output refers to."""
        resources = self._document["Resources"]
        found = {name for logical_id in resources for name in self._of(str(logical_id)) - {str(logical_id)}}
        return frozenset(found | set(_mentions(self._document.get("Outputs"))))

    def _all(self, logical_id: str) -> set[str]:
        reached: set[str] = set()
        waiting = [logical_id]
        while waiting:
            fresh = self._of(waiting.pop()) - reached
            reached |= fresh
            waiting += fresh
        return reached

    def _of(self, logical_id: str) -> set[str]:
        if logical_id not in self._direct:
            written = self._document["Resources"].get(logical_id)
            self._direct[logical_id] = set(_mentions(written)) if isinstance(written, dict) else set()
        return self._direct[logical_id]


def _mentions(written: Any) -> Iterator[str]:
    waiting = [written]  # not recursive: templates may nest deeper than Python does
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from _names(key, inner)
                waiting.append(inner)
        elif isinstance(value, list):
            waiting += value


def _names(key: Any, inner: Any) -> Iterator[str]:
    listed = inner if isinstance(inner, list) else [inner]
    first = listed[0] if listed and isinstance(listed[0], str) else ""
    if key == "DependsOn":
        yield from (each for each in listed if isinstance(each, str))
    elif key == "Ref":
        yield first
    elif key == "Fn::GetAtt":
        yield first.split(".", 1)[0]
    elif key == "Fn::Sub":
        yield from (match[1].split(".", 1)[0] for match in VARIABLE.finditer(first))
