"""What a resolved value can be besides itself: unknown, or a reference."""

from __future__ import annotations

import re
from typing import Any, Final

# Brackets that no template holds.
OPEN: Final = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}"
CLOSE: Final = "\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}"
LINK: Final = re.compile(rf"{OPEN}([^.{CLOSE}]*)\.([^{CLOSE}]*){CLOSE}")


class Unknown:
    """A value that only a deployment knows; no rule may rest a finding on it."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = Unknown()


def link(logical_id: str, attribute: str = "") -> str:
    """Write a reference to a resource as text that is equal for equal references, and can be found inside of others."""
    return f"{OPEN}{logical_id}.{attribute}{CLOSE}"


def is_there(value: Any) -> bool:
    """Return whether something surely is given: what only a deployment knows may be nothing."""
    return value is not None and not isinstance(value, Unknown)


def is_known(value: Any) -> bool:
    """Return whether a scalar is what it will be on AWS: not unknown, no reference, no ``{{resolve:…}}``."""
    if isinstance(value, str):
        return LINK.search(value) is None and "{{resolve:" not in value
    return not isinstance(value, Unknown)


def spelled(text: str) -> str:
    """Return a text for people, with references as ``Fn::Sub`` writes them."""
    return LINK.sub(lambda match: f"${{{match[1]}{'.' if match[2] else ''}{match[2]}}}", text)
