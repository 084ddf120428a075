"""What the functions in a template come to, as far as that can be known before it is deployed."""

from __future__ import annotations

import re
from typing import Any, Final

from slipway.preflight.conditions import Conditions
from slipway.preflight.values import UNKNOWN, Unknown, link

MOST_DEPTH: Final = 60
MOST_STEPS: Final = 400_000
NO_VALUE: Final = "AWS::NoValue"
PSEUDO: Final = {
    "AWS::AccountId": link("AWS::AccountId"),  # not known, and the same wherever it stands
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
LIST_PARAMETERS: Final = re.compile(r"^(CommaDelimitedList|List<|AWS::SSM::Parameter::Value<(List|CommaDelimitedList))")
VARIABLE: Final = re.compile(r"\$\{(!?[^}]*)\}")


class Resolver:
    """Resolves Ref, GetAtt, Sub, Join, Select, Split, FindInMap, If and conditions.

    Args:
        template: As it was read.
        region: Where it is meant to be deployed; None where that is not known.
    """

    def __init__(self, template: dict[str, Any], *, region: str | None) -> None:
        self._template = template
        self._region = region
        self._conditions = Conditions(template, self.value)
        self._resolving: set[str] = set()
        self._steps = 0

    def value(self, written: Any, depth: int = 0) -> Any:
        """Return what was written, with its functions resolved: unknown parts are ``UNKNOWN``, absent ones left out."""
        self._steps += 1
        if depth > MOST_DEPTH or self._steps > MOST_STEPS:
            return UNKNOWN
        if isinstance(written, list):
            items = [self.value(item, depth + 1) for item in written]
            return [item for item in items if item is not None]
        if not isinstance(written, dict):
            return written
        if len(written) == 1:
            word, inner = next(iter(written.items()))
            if word == "Ref" or (isinstance(word, str) and word.startswith("Fn::")):
                return self._function(word, inner, depth + 1)
        found = {key: self.value(inner, depth + 1) for key, inner in written.items()}
        return {key: inner for key, inner in found.items() if inner is not None}

    def condition(self, name: Any) -> bool | None:
        """Return what a condition comes to; None where only a deployment knows."""
        return self._conditions.truth(name)

    def _function(self, word: str, inner: Any, depth: int) -> Any:
        if word == "Ref":
            return self._ref(inner)
        if word == "Fn::GetAtt":
            return self._attribute(inner)
        known = {
            "Fn::FindInMap": self._find_in_map,
            "Fn::If": self._if,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Sub": self._sub,
        }
        return known[word](inner, depth) if word in known else UNKNOWN

    def _ref(self, name: Any) -> Any:
        if not isinstance(name, str):
            return UNKNOWN
        if name == NO_VALUE:
            return None
        if name == "AWS::Region":
            return UNKNOWN if self._region is None else self._region
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self._template["Resources"]:
            return link(name)
        return self._parameter(name)

    def _parameter(self, name: str) -> Any:
        parameters = self._template.get("Parameters")
        parameter = parameters.get(name) if isinstance(parameters, dict) else None
        if not isinstance(parameter, dict) or "Default" not in parameter:
            return UNKNOWN
        default, kind = parameter["Default"], str(parameter.get("Type"))
        if kind.startswith("AWS::SSM::"):
            return UNKNOWN
        return [item.strip() for item in str(default).split(",")] if LIST_PARAMETERS.match(kind) else default

    def _attribute(self, inner: Any) -> Any:
        parts = inner.split(".", 1) if isinstance(inner, str) else inner
        if not isinstance(parts, list) or len(parts) != 2 or not all(isinstance(part, str) for part in parts):  # noqa: PLR2004
            return UNKNOWN
        logical_id, attribute = parts
        resource = self._template["Resources"].get(logical_id)
        properties = resource.get("Properties") if isinstance(resource, dict) else None
        if isinstance(properties, dict) and attribute in properties and logical_id not in self._resolving:
            # A name that was given is what its attribute says.
            self._resolving.add(logical_id)
            try:
                return self.value(properties[attribute])
            finally:
                self._resolving.discard(logical_id)
        return link(logical_id, attribute)

    def _sub(self, inner: Any, depth: int) -> Any:
        text, given = (inner, {}) if isinstance(inner, str) else (inner[0], inner[1]) if _is_pair(inner) else (None, {})
        if not isinstance(text, str) or not isinstance(given, dict):
            return UNKNOWN
        parts: list[Any] = []
        end = 0
        for match in VARIABLE.finditer(text):
            parts += [text[end : match.start()], self._variable(match[1], given, depth)]
            end = match.end()
        return _concatenated([*parts, text[end:]])

    def _variable(self, name: str, given: dict[str, Any], depth: int) -> Any:
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        if name in given:
            return self.value(given[name], depth + 1)
        return self._attribute(name) if "." in name else self._ref(name)

    def _join(self, inner: Any, depth: int) -> Any:
        if not _is_pair(inner) or not isinstance(inner[0], str):
            return UNKNOWN
        parts = self.value(inner[1], depth + 1)
        if not isinstance(parts, list):
            return UNKNOWN
        return _concatenated([part for item in parts for part in (inner[0], item)][1:])

    def _select(self, inner: Any, depth: int) -> Any:
        index, items = (self.value(each, depth + 1) for each in inner) if _is_pair(inner) else (None, None)
        if not isinstance(items, list) or not str(index).isdecimal():
            return UNKNOWN
        position = int(str(index))
        return items[position] if position < len(items) else UNKNOWN

    def _split(self, inner: Any, depth: int) -> Any:
        text = self.value(inner[1], depth + 1) if _is_pair(inner) else UNKNOWN
        return text.split(inner[0]) if isinstance(text, str) and isinstance(inner[0], str) and inner[0] else UNKNOWN

    def _find_in_map(self, inner: Any, depth: int) -> Any:
        found: Any = self._template.get("Mappings")
        for key in self.value(inner, depth + 1) if isinstance(inner, list) else [None]:
            if not isinstance(key, (str, int)) or not isinstance(found, dict) or str(key) not in map(str, found):
                return UNKNOWN
            found = {str(name): value for name, value in found.items()}[str(key)]
        return found

    def _if(self, inner: Any, depth: int) -> Any:
        if not isinstance(inner, list) or len(inner) != 3:  # noqa: PLR2004  a condition and two branches
            return UNKNOWN
        truth = self._conditions.truth(inner[0])
        return UNKNOWN if truth is None else self.value(inner[1 if truth else 2], depth + 1)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2  # noqa: PLR2004  a pair


def _concatenated(parts: list[Any]) -> Any:
    if any(isinstance(part, (Unknown, list, dict)) for part in parts):
        return UNKNOWN
    return "".join(str(part) for part in parts)
