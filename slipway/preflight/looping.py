"""``Fn::ForEach`` of AWS::LanguageExtensions, written out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.resolving import Resolver

if TYPE_CHECKING:
    from slipway.preflight.pseudo import Place

LOOP: Final = "Fn::ForEach::"
EXTENSIONS: Final = "AWS::LanguageExtensions"
MOST_ROUNDS: Final = 20_000
MOST_DEPTH: Final = 60


def expanded(document: dict[str, Any], place: Place) -> dict[str, Any]:
    """Return a template with its loops written out, where their collections are known; the same one if it has none.

    Args:
        document: As it was read.
        place: Where it is meant to be deployed.
    """
    transforms = document.get("Transform")
    if EXTENSIONS not in (transforms if isinstance(transforms, list) else [transforms]):
        return document
    written: dict[str, Any] = _Loops(Resolver(document, place)).written_out(document, {}, 0)
    return written


class _Loops:
    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._rounds = 0

    def written_out(self, value: Any, known: dict[str, str], depth: int) -> Any:
        """Write out the loops inside of a value, with the variables of those around it put in."""
        if depth > MOST_DEPTH:
            return value
        if isinstance(value, str):
            return _put_in(value, known)
        if isinstance(value, list):
            return [self.written_out(item, known, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and isinstance(value.get("Ref"), str) and value["Ref"] in known:
            return known[value["Ref"]]
        found: dict[Any, Any] = {}
        for key, inner in value.items():
            if isinstance(key, str) and key.startswith(LOOP):
                found |= self._loop(inner, known, depth + 1)
            else:
                found[_put_in(key, known)] = self.written_out(inner, known, depth + 1)
        return found

    def _loop(self, inner: Any, known: dict[str, str], depth: int) -> dict[Any, Any]:
        if not isinstance(inner, list) or len(inner) != 3 or not isinstance(inner[0], str):  # noqa: PLR2004
            return {}
        items = self._resolver.value(self.written_out(inner[1], known, depth))
        found: dict[Any, Any] = {}
        for item in items if isinstance(items, list) else []:
            self._rounds += 1
            if isinstance(item, str) and isinstance(inner[2], dict) and self._rounds <= MOST_ROUNDS:
                found |= self.written_out(inner[2], {**known, inner[0]: item}, depth)
        return found


def _put_in(text: Any, known: dict[str, str]) -> Any:
    if not known or not isinstance(text, str):
        return text
    text = re.sub(r"&\{(\w+)\}", lambda match: re.sub(r"\W", "", known.get(match[1], match[0])), text)
    return re.sub(r"\$\{(\w+)\}", lambda match: known.get(match[1], match[0]), text)
