"""What a plain word in a YAML file means: the YAML 1.2 core schema, as editors read it, less its traps."""

from __future__ import annotations

import math
import re

Scalar = str | int | float | bool | None

WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~"), None),
}
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
MAX_DIGITS = 18


class UnreadableError(ValueError):
    """A plain word that readers of YAML understand differently, or a number that cannot be held."""


def plain(text: str) -> Scalar:
    """Read an unquoted word; ``yes``, ``no``, ``on``, ``off`` and dates are text.

    Raises:
        UnreadableError: If it has no value, begins with a zero that some readers take for octal, or is a number too
            large to hold.
    """
    if not text:
        raise UnreadableError("has no value: give it one, or remove the key")
    if text in WORDS:
        return WORDS[text]
    if LEADING_ZERO.fullmatch(text):
        raise UnreadableError(
            f"{_short(text)} begins with a zero: write it in quotes if it is text, else without the zero"
        )
    if INTEGER.fullmatch(text):
        return _integer(text)
    if NOT_FINITE.fullmatch(text):
        raise UnreadableError(f"{text} is not a finite number")
    return _float(text) if FLOAT.fullmatch(text) else text


def _integer(text: str) -> int:
    if len(text.lstrip("+-")) > MAX_DIGITS:
        raise UnreadableError(
            f"{_short(text)} is too large a number: write it in quotes if it is text, else at most {MAX_DIGITS} digits"
        )
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise UnreadableError(f"{_short(text)} is too large a number: write it in quotes if it is text")
    return value


def _short(text: str) -> str:
    return text if len(text) <= 2 * MAX_DIGITS else f"{text[:MAX_DIGITS]}..."
