"""What YAML can write and a spec must not."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from yaml.events import AliasEvent, CollectionStartEvent, Event, NodeEvent, ScalarEvent

from slipway.specs.scalar import UnreadableError, plain

if TYPE_CHECKING:
    from slipway.specs.scalar import Scalar


def refused_value(event: Event) -> str | None:
    """Say why a value is not accepted, whatever the spec; None where it is."""
    if isinstance(event, AliasEvent):
        return f"the alias '*{event.anchor}' is not accepted: write the value out where it is meant"
    if isinstance(event, NodeEvent) and event.anchor is not None:
        return f"the anchor '&{event.anchor}' is not accepted: write the value out where it is meant"
    if isinstance(event, (ScalarEvent, CollectionStartEvent)) and event.tag is not None:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        return f"the tag '{tag}' is not accepted: write the plain value, in quotes if it begins with '!'"
    return None


def refused_key(event: Event) -> str | None:
    """Say why a key is not accepted, whatever the spec; None where it is."""
    if not isinstance(event, ScalarEvent) or event.anchor is not None or event.tag is not None:
        return "a key must be plain text"
    if event.value == "" or control_character(event.value, also="\n\t") is not None:
        return f"the key {event.value!a} is not accepted: a key is text on one line"
    if event.implicit[0] and event.value == "<<":
        return "the merge key '<<' is not accepted: write the keys out where they are meant"
    if event.implicit[0] and not _is_text(event.value):
        return f"the key {event.value} is not text: write it in quotes"
    return None


def scalar(event: ScalarEvent) -> Scalar:
    """Read a scalar; only a plain one may be something else than text.

    Raises:
        UnreadableError: If no spec may hold it.
    """
    code = control_character(event.value)
    if code is not None:
        raise UnreadableError(f"holds the control character U+{code:04X}: remove it")
    return plain(event.value) if event.implicit[0] else str(event.value)


def control_character(text: str, *, also: str = "") -> int | None:
    """Return the first character that no terminal should be sent, surrogates among them."""
    if text.isprintable():
        return None
    for character in text:
        if character in also or (character not in "\n\t" and unicodedata.category(character) in {"Cc", "Cs"}):
            return ord(character)
    return None


def _is_text(word: str) -> bool:
    try:
        return isinstance(plain(word), str)
    except UnreadableError:
        return False
