"""CloudFormation's functions of values alone."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.values import UNKNOWN, Named, Unknown, concatenated, is_known, named

if TYPE_CHECKING:
    from collections.abc import Callable


def join(given: Any) -> Any:
    """``Fn::Join: [delimiter, values]``."""
    delimiter, parts = given if is_pair(given) else (None, None)
    if not isinstance(delimiter, str) or not isinstance(parts, list):
        return UNKNOWN
    return concatenated([part for item in parts for part in (delimiter, item)][1:])


def select(given: Any) -> Any:
    """``Fn::Select: [index, values]``."""
    index, items = given if is_pair(given) else (None, None)
    position = int(str(index)) if str(index).isdecimal() and len(str(index)) < 10 else None  # noqa: PLR2004  no list has as many
    if isinstance(items, Named) and position is not None:
        return named("Select", f"{position}:{items.name}")
    if not isinstance(items, list) or position is None:
        return UNKNOWN
    return items[position] if position < len(items) else UNKNOWN


def split(given: Any) -> Any:
    """``Fn::Split: [delimiter, text]``."""
    delimiter, text = given if is_pair(given) else (None, None)
    if not isinstance(delimiter, str) or not delimiter:
        return UNKNOWN
    if isinstance(text, Named):
        return named("Split", f"{delimiter}:{text.name}")
    return text.split(delimiter) if isinstance(text, str) else UNKNOWN


def encode(given: Any) -> Any:
    """``Fn::Base64: text``."""
    return base64.b64encode(given.encode()).decode() if isinstance(given, str) and is_known(given) else UNKNOWN


def length(given: Any) -> Any:
    """``Fn::Length: values``, of AWS::LanguageExtensions."""
    return len(given) if isinstance(given, list) and UNKNOWN not in given else UNKNOWN


def to_json(given: Any) -> Any:
    """``Fn::ToJsonString: value``, of AWS::LanguageExtensions."""
    try:
        return json.dumps(given, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):  # something inside of it is unknown
        return UNKNOWN


def import_value(given: Any) -> Any:
    """``Fn::ImportValue: name``: unknown, and the same for the same name."""
    return _named_after("ImportValue", given)


def availability_zones(given: Any) -> Any:
    """``Fn::GetAZs: region``: unknown, and the same for the same region."""
    return _named_after("GetAZs", given)


def _named_after(word: str, given: Any) -> Any:
    name = given.name if isinstance(given, Named) else given
    return named(word, name) if isinstance(name, str) else UNKNOWN


def is_pair(value: Any) -> bool:
    """Return whether a value is a list of two."""
    return isinstance(value, list) and len(value) == 2  # noqa: PLR2004  a pair


FUNCTIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "Fn::Base64": encode,
    "Fn::GetAZs": availability_zones,
    "Fn::ImportValue": import_value,
    "Fn::Join": join,
    "Fn::Length": length,
    "Fn::Select": select,
    "Fn::Split": split,
    "Fn::ToJsonString": to_json,
}


def find_in_map(mappings: Any, given: Any) -> Any:
    """``Fn::FindInMap: [map, key, key]``, with AWS::LanguageExtensions' default as a fourth.

    Args:
        mappings: Of the template.
        given: Resolved.
    """
    keys = given if isinstance(given, list) else []
    default = keys[3].get("DefaultValue", UNKNOWN) if len(keys) == 4 and isinstance(keys[3], dict) else UNKNOWN  # noqa: PLR2004
    found = mappings if len(keys) in {3, 4} else None
    for key in keys[:3]:
        if isinstance(key, Unknown):
            return UNKNOWN
        if not isinstance(found, dict):
            return default
        found = _at(found, key)
    return default if found is None else found


def _at(mapping: dict[Any, Any], key: Any) -> Any:
    """JSON's keys are text; YAML reads an account or a version as a number."""
    if isinstance(key, str) and key in mapping:
        return mapping[key]
    return next((value for name, value in mapping.items() if str(name) == str(key)), None)
