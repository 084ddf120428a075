"""Checks a request against botocore's own service model, with AWS's messages."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session

from .errors import invalid

if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (int, float, str),
}
_NUMBERS = {"integer": int, "long": int, "float": float, "double": float}


@cache
def service_model(service: str) -> Any:
    """Return botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def check(shape: Any, value: Any) -> None:
    """Refuse a request that its shape does not allow, naming every violation at once.

    Raises:
        ApiError: ``ValidationException`` with AWS's wording.
    """
    found = list(_violations(shape, value, ""))
    if found:
        plural = "error" if len(found) == 1 else "errors"
        raise invalid(f"{len(found)} validation {plural} detected: {'; '.join(found)}")


def _violations(shape: Any, value: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    if not _is_a(kind, value):
        yield _violation(value, path, f"Member must be of type {kind}")
    elif kind == "structure":
        yield from _in_structure(shape, value, path)
    elif kind == "list":
        yield from _outside(len(value), shape.metadata, value, path, "length ")
        for number, item in enumerate(value, start=1):
            yield from _violations(shape.member, item, _join(path, f"{number}.member"))
    elif kind == "map":
        for key, item in value.items():
            yield from _violations(shape.key, key, path)
            yield from _violations(shape.value, item, _join(path, key))
    else:
        yield from _in_scalar(shape, value, path)


def _is_a(kind: str, value: Any) -> bool:
    return isinstance(value, _TYPES.get(kind, (object,))) and (kind == "boolean" or not isinstance(value, bool))


def _in_structure(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _violation(None, _join(path, _camel(name)), "Member must not be null")
    for name, item in value.items():
        if name not in shape.members:
            yield f"extraneous key [{name}] is not permitted at '{path or '#'}'"
        elif item is not None:
            yield from _violations(shape.members[name], item, _join(path, _camel(name)))


def _in_scalar(shape: Any, value: Any, path: str) -> Iterator[str]:
    rules = shape.metadata
    if "enum" in rules and value not in rules["enum"]:
        yield _violation(value, path, f"Member must satisfy enum value set: [{', '.join(rules['enum'])}]")
    elif isinstance(value, str):
        yield from _outside(len(value), rules, value, path, "length ")
        if "pattern" in rules and not _fits(rules["pattern"], value):
            yield _violation(value, path, f"Member must satisfy regular expression pattern: {rules['pattern']}")
    elif not isinstance(value, bool):
        yield from _outside(value, rules, value, path, "value ")


def _fits(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    except re.error:  # some are written for Java alone, as \\p{L} in tags
        return True


def _outside(size: float, rules: dict[str, Any], value: Any, path: str, what: str) -> Iterator[str]:
    if "min" in rules and size < rules["min"]:
        yield _violation(value, path, f"Member must have {what}greater than or equal to {rules['min']}")
    if "max" in rules and size > rules["max"]:
        yield _violation(value, path, f"Member must have {what}less than or equal to {rules['max']}")


def _violation(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else value
    return f"Value '{shown}' at '{path}' failed to satisfy constraint: {constraint}"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def coerced(shape: Any, value: Any) -> Any:
    """Return a CloudFormation property as its shape wants it: templates may carry numbers and booleans as strings."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        return {
            name: coerced(shape.members[name], item) if name in shape.members else item for name, item in value.items()
        }
    if kind == "list" and isinstance(value, list):
        return [coerced(shape.member, item) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {key: coerced(shape.value, item) for key, item in value.items()}
    return _coerced_scalar(kind, value)


def _coerced_scalar(kind: str, value: Any) -> Any:
    if kind == "boolean" and str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    if kind in _NUMBERS and isinstance(value, str):
        try:
            return _NUMBERS[kind](value)
        except ValueError:
            return value
    if kind == "string" and isinstance(value, (int, float)):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value
