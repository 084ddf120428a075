"""What a resolved value can be besides itself: unknown, or a reference."""

from __future__ import annotations

import re
from typing import Any, Final

# Brackets that no template holds.
OPEN: Final = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}"
CLOSE: Final = "\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}"
LINK: Final = re.compile(rf"{OPEN}([^.{CLOSE}]*)\.([^{CLOSE}]*){CLOSE}")
LONGEST_TEXT: Final = 65_536
"""What is put together from parts stops here: no property takes more."""


class Unknown:
    """A value that only a deployment knows; no rule may rest a finding on it."""

    def __repr__(self) -> str:
        return "unknown"

    def __eq__(self, other: object) -> bool:
        # So that `UNKNOWN in values` asks whether any of them is unknown.
        return isinstance(other, Unknown)

    def __hash__(self) -> int:
        return hash(Unknown)


class Named(Unknown):
    """An unknown value that is the same wherever the same is written, such as a parameter without a default.

    Args:
        name: What it is known by, written as a reference.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def is_parameter(self) -> bool:
        """Whether it comes from a parameter, and so from outside of the template."""
        return self.name.startswith(f"{OPEN}Ref:")

    def __eq__(self, other: object) -> bool:
        return self.name == other.name if isinstance(other, Named) else isinstance(other, Unknown)

    __hash__ = Unknown.__hash__


UNKNOWN: Final = Unknown()


def link(logical_id: str, attribute: str = "") -> str:
    """Write a reference to a resource as text that is equal for equal references, and can be found inside of others.

    ``AWS::Region`` and ``AWS::AccountId`` are written so too where they are not known.
    """
    return f"{OPEN}{logical_id}.{attribute}{CLOSE}"


def named(word: str, name: str) -> Named:
    """Return an unknown value by what it comes from: ``named("Ref", "ModelName")``."""
    return Named(link(f"{word}:{name}"))


def concatenated(parts: list[Any]) -> Any:
    """Return the text that parts make: unknown if one is, by a name if each has one."""
    if any(isinstance(part, (list, dict)) or type(part) is Unknown for part in parts):
        return UNKNOWN
    texts = [part.name if isinstance(part, Named) else _text(part) for part in parts]
    if sum(map(len, texts)) > LONGEST_TEXT:
        return UNKNOWN
    text = "".join(texts)
    return Named(text) if any(isinstance(part, Named) for part in parts) else text


def is_there(value: Any) -> bool:
    """Return whether something surely is given: what only a deployment knows may be nothing."""
    return value is not None and not isinstance(value, Unknown)


def is_known(value: Any) -> bool:
    """Return whether a scalar is what it will be on AWS: not unknown, no reference, no ``{{resolve:…}}``."""
    if isinstance(value, str):
        return LINK.search(value) is None and "{{resolve:" not in value
    return not isinstance(value, Unknown)


def holds_unknown(value: Any) -> bool:
    """Return whether anything inside of a value is known to a deployment alone."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Unknown):
            return True
        waiting += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
    return False


def spelled(text: str) -> str:
    """Return a text for people, with references as ``Fn::Sub`` writes them."""
    return LINK.sub(lambda match: f"${{{match[1]}{'.' if match[2] else ''}{match[2]}}}", text)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
