"""An endpoint as one environment has it: the environment's overrides laid over the endpoint's own file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.specs.document import Document

if TYPE_CHECKING:
    from slipway.specs.base import Keys

CHOICES = ("kind", "strategy", "track")
"""Keys that decide which other keys stand beside them."""


def overlay(base: Document, changes: Document, at: Keys) -> Document:
    """Lay the part of ``changes`` under ``at`` over ``base``.

    Mappings are merged key by key, unless the override makes another choice (of a strategy, of what is tracked); lists
    of named things (variants) by their name; ``null`` removes a key; anything else is replaced. Every value keeps the
    file and line that it came from.
    """
    part: Any = changes.data
    for key in at:
        part = part[key]
    layers = _Layers(
        Document(base.file, None, dict(base.positions), set(base.unreadable), [*base.problems, *changes.problems]),
        changes,
    )
    layers.merged.data = layers.lay(base.data, part, (), at)
    return layers.merged


@dataclass
class _Layers:
    merged: Document
    changes: Document

    def lay(self, old: Any, new: Any, path: Keys, at: Keys) -> Any:
        if isinstance(old, dict) and isinstance(new, dict) and _same_choice(old, new):
            return self._keys(old, new, path, at)
        if _named(old) and _named(new):
            return self._items(old, new, path, at)
        self._move(path, at)
        return new

    def _keys(self, old: dict[str, Any], new: dict[str, Any], path: Keys, at: Keys) -> dict[str, Any]:
        result = dict(old)
        for key, value in new.items():
            here, there = (*path, key), (*at, key)
            if isinstance(value, dict) and not isinstance(old.get(key, {}), dict):
                continue  # the endpoint's own file is wrong here, and is told so
            if value is None and key in old:
                del result[key]
                self._move(here, there)
            else:
                self.merged.positions[here] = self.changes.positions[there]
                result[key] = self.lay(old.get(key), value, here, there)
        return result

    def _items(self, old: list[Any], new: list[Any], path: Keys, at: Keys) -> list[Any]:
        result, places = list(old), {item["name"]: index for index, item in enumerate(old)}
        for index, item in enumerate(new):
            # A name that the override gives twice is added, so that it is refused as given twice.
            place = places.pop(item["name"], len(result))
            if place == len(result):
                result.append(None)
            result[place] = self.lay(result[place], item, (*path, place), (*at, index))
        return result

    def _move(self, path: Keys, at: Keys) -> None:
        for here in [here for here in self.merged.positions if here[: len(path)] == path]:
            del self.merged.positions[here]
        self.merged.unreadable -= {here for here in self.merged.unreadable if here[: len(path)] == path}
        for there, position in self.changes.positions.items():
            if there[: len(at)] == at:
                self.merged.positions[*path, *there[len(at) :]] = position
        self.merged.unreadable |= {
            (*path, *there[len(at) :]) for there in self.changes.unreadable if there[: len(at)] == at
        }


def _same_choice(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return all(new.get(key, old.get(key)) == old.get(key) for key in CHOICES)


def _named(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in value)
    )
