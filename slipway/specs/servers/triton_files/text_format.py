"""protobuf's text format, as far as ``config.pbtxt`` needs it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Message: TypeAlias = Mapping[str, Any]
"""Fields by name: text, numbers, true or false, a message, or a list of these."""


class Word(str):
    """A member of an enumeration, which stands without quotes."""

    __slots__ = ()


def text(message: Message) -> str:
    """Return a message as text; an empty list is left out, any other repeats its field."""
    return "".join(_field(name, value, 0) for name, value in message.items())


def _field(name: str, value: Any, depth: int) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        if all(type(item) is int for item in value):
            return "" if len(value) == 0 else f"{'  ' * depth}{name}: [{', '.join(map(str, value))}]\n"
        return "".join(_field(name, item, depth) for item in value)
    space = "  " * depth
    if isinstance(value, Mapping):
        return f"{space}{name} {{\n{''.join(_field(key, each, depth + 1) for key, each in value.items())}{space}}}\n"
    return f"{space}{name}: {_scalar(value)}\n"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (Word, int)):
        return str(value)
    return json.dumps(value)  # \u escapes are protobuf's too
