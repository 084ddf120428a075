"""What the functions in a template come to, as far as that can be known before it is deployed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.conditions import Conditions
from slipway.preflight.functions import FUNCTIONS, find_in_map, is_pair
from slipway.preflight.values import UNKNOWN, Unknown, concatenated, link, named

if TYPE_CHECKING:
    from slipway.preflight.pseudo import Place

MOST_DEPTH: Final = 60
MOST_LINKS: Final = 8
"""How many resources may take a name from one another."""
MOST_STEPS: Final = 2_000_000
LIST_PARAMETERS: Final = re.compile(r"^(CommaDelimitedList|List<)")
VARIABLE: Final = re.compile(r"\$\{(!?[^}]*)\}")
SCALARS: Final = (str, int, float, type(None))


class Resolver:
    """Resolves functions, parameters and conditions.

    Args:
        template: As it was read.
        place: Where it is meant to be deployed.
    """

    def __init__(self, template: dict[str, Any], place: Place) -> None:
        self._resources = template["Resources"]
        self._mappings = template.get("Mappings")
        parameters = template.get("Parameters")
        self._parameters = parameters if isinstance(parameters, dict) else {}
        self._place = place
        self._known: dict[str, Any] = place.pseudo()
        self._attributes: dict[tuple[str, str], Any] = {}
        self._resolving: set[str] = set()
        self._steps = 0
        self._conditions = Conditions(template, self.value)
        self._functions = {
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::Sub": self._sub,
            "Ref": self._ref,
        }

    def value(self, written: Any, depth: int = 0) -> Any:
        """Return what was written, with its functions resolved: unknown parts are unknown, absent ones left out."""
        if isinstance(written, SCALARS):
            return written
        self._steps += 1
        if depth > MOST_DEPTH or self._steps > MOST_STEPS:
            return UNKNOWN
        if isinstance(written, dict):
            return self._mapping(written, depth + 1)
        if not isinstance(written, list):
            return written
        items = [self.value(item, depth + 1) for item in written]
        return [item for item in items if item is not None]

    def condition(self, name: Any) -> bool | None:
        """Return what a condition comes to; None where only a deployment knows."""
        return self._conditions.truth(name)

    def _mapping(self, written: dict[Any, Any], depth: int) -> Any:
        if len(written) == 1:
            [(word, inner)] = written.items()
            if word in self._functions:
                return self._functions[word](inner, depth)
            if word in FUNCTIONS:
                return FUNCTIONS[word](self.value(inner, depth))
            if isinstance(word, str) and word.startswith("Fn::"):
                return UNKNOWN
        if "Fn::Transform" in written:  # a macro adds what it likes
            return UNKNOWN
        found = {}
        for key, inner in written.items():
            value = self.value(inner, depth)
            if value is not None:
                found[key] = value
        return found

    def _ref(self, name: Any, _: int) -> Any:
        if not isinstance(name, str):
            return UNKNOWN
        if name not in self._known:
            self._known[name] = link(name) if name in self._resources else self._parameter(name)
        return self._known[name]

    def _parameter(self, name: str) -> Any:
        parameter = self._parameters.get(name)
        kind = str(parameter.get("Type")) if isinstance(parameter, dict) else ""
        if not isinstance(parameter, dict) or name in self._place.parameters:
            return self._place.parameters.get(name, UNKNOWN if parameter is None else named("Ref", name))
        if "Default" not in parameter or kind.startswith("AWS::SSM::"):
            return named("Ref", name)
        default = parameter["Default"]
        return [item.strip() for item in str(default).split(",")] if LIST_PARAMETERS.match(kind) else default

    def _get_att(self, inner: Any, depth: int) -> Any:
        parts = inner.split(".", 1) if isinstance(inner, str) else inner
        if not is_pair(parts) or not isinstance(parts[0], str):
            return UNKNOWN
        attribute = self.value(parts[1], depth)
        return self._attribute(parts[0], attribute) if isinstance(attribute, str) else UNKNOWN

    def _attribute(self, logical_id: str, attribute: str) -> Any:
        place = (logical_id, attribute)
        if place in self._attributes:
            return self._attributes[place]
        if logical_id in self._resolving or len(self._resolving) > MOST_LINKS:
            return link(*place)
        self._resolving.add(logical_id)
        try:
            self._attributes[place] = self._given(logical_id, attribute)
        finally:
            self._resolving.discard(logical_id)
        return self._attributes[place]

    def _given(self, logical_id: str, attribute: str) -> Any:
        # A name that was given is what its attribute says; one that only a deployment knows is still the resource's.
        resource = self._resources.get(logical_id)
        properties = resource.get("Properties") if isinstance(resource, dict) else None
        value = self.value(properties[attribute]) if isinstance(properties, dict) and attribute in properties else None
        return value if isinstance(value, (str, int, float)) else link(logical_id, attribute)

    def _sub(self, inner: Any, depth: int) -> Any:
        text, given = inner if is_pair(inner) else (inner, {})
        if not isinstance(text, str) or not isinstance(given, dict):
            return UNKNOWN
        parts: list[Any] = []
        end = 0
        for match in VARIABLE.finditer(text):
            parts += [text[end : match.start()], self._variable(match[1], given, depth)]
            end = match.end()
        return concatenated([*parts, text[end:]])

    def _variable(self, name: str, given: dict[str, Any], depth: int) -> Any:
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        name = name.strip()
        if name in given:
            return self.value(given[name], depth)
        return self._attribute(*name.split(".", 1)) if "." in name else self._ref(name, depth)

    def _find_in_map(self, inner: Any, depth: int) -> Any:
        return find_in_map(self._mappings, self.value(inner, depth))

    def _if(self, inner: Any, depth: int) -> Any:
        if not isinstance(inner, list) or len(inner) != 3:  # noqa: PLR2004  a condition and two branches
            return UNKNOWN
        truth = self._conditions.truth(inner[0])
        if truth is not None:
            return self.value(inner[1 if truth else 2], depth)
        one, other = (self.value(branch, depth) for branch in inner[1:])
        return one if one == other and not isinstance(one, Unknown) else UNKNOWN
