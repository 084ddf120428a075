"""Every complaint that pydantic can have about our models, in our own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slipway.specs.outline import Place, tags
from slipway.specs.suggest import did_you_mean

Detail = Mapping[str, Any]
"""One entry of ``ValidationError.errors()``; ``written`` is added: a number as it stands in the file."""

MAX_SHOWN = 60


def explain(detail: Detail, place: Place) -> str:
    """Say what was received, what is accepted and the mend.

    Args:
        detail: What pydantic found.
        place: What may stand there.
    """
    message = EXPLAINED.get(detail["type"], _otherwise)(detail, place)
    return f"{message}: {place.reason}" if place.reason and detail["type"] in BOUNDS else message


def show(received: Any, written: str | None = None) -> str:
    """Write a received value on one line, numbers as in the file."""
    if isinstance(received, Mapping):
        return "a mapping"
    if isinstance(received, Sequence) and not isinstance(received, str):
        return "a list"
    if not isinstance(received, str):
        return written or (str(received).lower() if isinstance(received, bool) else str(received))
    text = received.replace("\n", "\\n").replace("\t", "\\t")
    return f"'{text}'" if len(text) <= MAX_SHOWN else f"'{text[: MAX_SHOWN - 3]}...'"


def _show(detail: Detail) -> str:
    return show(detail["input"], detail.get("written"))


def _is_not(kind: str) -> Callable[[Detail, Place], str]:
    return lambda detail, _: f"{_show(detail)} is not {kind}"


def _not_text(detail: Detail, _: Place) -> str:
    mend = ": write it in quotes" if isinstance(detail["input"], (int, float)) else ""
    return f"{_show(detail)} is not text{mend}"


def _not_whole(detail: Detail, _: Place) -> str:
    received = detail["input"]
    mend = f": write {int(received)}" if isinstance(received, float) and received.is_integer() else ""
    return f"{_show(detail)} is not a whole number{mend or _unquote(received)}"


def _not_number(detail: Detail, _: Place) -> str:
    return f"{_show(detail)} is not a number{_unquote(detail['input'])}"


def _not_bool(detail: Detail, _: Place) -> str:
    return f"{_show(detail)} is not true or false{_unquote(detail['input'])}"


def _unquote(received: Any) -> str:
    plain = isinstance(received, str) and (received in {"true", "false"} or received.removeprefix("-").isdecimal())
    return ": write it without quotes" if plain else ""


def _bound(words: str, key: str, limit: str) -> Callable[[Detail, Place], str]:
    return lambda detail, _: f"{_show(detail)} is {words}, {limit} {_figure(detail['ctx'][key])} is accepted"


def _figure(bound: float) -> str:
    return f"{int(bound):,}" if bound == int(bound) else f"{bound:g}"


def _length(key: str, limit: str, unit: str) -> Callable[[Detail, Place], str]:
    def say(detail: Detail, _: Place) -> str:
        bound, count = detail["ctx"][key], len(detail["input"])
        accepted = "accepted" if key == "max_length" else "needed"
        return f"has {count} {_plural(unit, count)}, {limit} {bound} {'is' if bound == 1 else 'are'} {accepted}"

    return say


def _plural(unit: str, count: int) -> str:
    return unit if count == 1 else {"entry": "entries"}.get(unit, f"{unit}s")


def _literal(detail: Detail, place: Place) -> str:
    numbers = ["a whole number"] if int in place.members else []
    accepted = [show(value).strip("'") for value in place.accepted()] + numbers
    hint = did_you_mean(str(detail["input"]), accepted) if isinstance(detail["input"], str) else ""
    return f"{_show(detail)} is not {_one_of(accepted)}{hint}"


def _one_of(accepted: list[str]) -> str:
    return f"one of {', '.join(accepted)}" if len(accepted) > 1 else f"{accepted[0]}, which alone is accepted"


def _missing(detail: Detail, _: Place) -> str:
    return f"required key '{detail['loc'][-1]}' is missing"


def _unknown_key(detail: Detail, place: Place) -> str:
    key = str(detail["loc"][-1])
    for owner in place.owners:
        if key in owner.impossible:
            return owner.impossible[key]
    return f"unknown key{did_you_mean(key, place.keys()) or ', accepted are ' + ', '.join(place.keys())}"


def _no_tag(detail: Detail, place: Place) -> str:
    key = discriminator(detail)
    return f"required key '{key}' is missing: one of {', '.join(tags(place, key))}"


def _unknown_tag(detail: Detail, place: Place) -> str:
    key = discriminator(detail)
    received, accepted = detail["input"][key], tags(place, key)
    hint = did_you_mean(received, accepted) if isinstance(received, str) else ""
    return f"{show(received)} is not one of {', '.join(accepted)}{hint}"


def discriminator(detail: Detail) -> str:
    """Return the key by which the members of a union are told apart."""
    return str(detail["ctx"]["discriminator"]).strip("'()")


def _in_words(detail: Detail, _: Place) -> str:
    words = str(detail["ctx"]["words"])
    return f"{_show(detail)} {words}" if isinstance(detail["input"], str) and words.startswith("is not ") else words


def _otherwise(detail: Detail, _: Place) -> str:
    return f"{_show(detail)} is not accepted here"


_mapping = _is_not("a mapping of keys to values")
_list = _is_not("a list")

BOUNDS: dict[str, Callable[[Detail, Place], str]] = {
    "greater_than": _bound("too small", "gt", "more than"),
    "greater_than_equal": _bound("too small", "ge", "at least"),
    "less_than": _bound("too large", "lt", "less than"),
    "less_than_equal": _bound("too large", "le", "at most"),
    "too_short": _length("min_length", "at least", "entry"),
    "too_long": _length("max_length", "at most", "entry"),
    "string_too_short": _length("min_length", "at least", "character"),
    "string_too_long": _length("max_length", "at most", "character"),
}

EXPLAINED: dict[str, Callable[[Detail, Place], str]] = {
    **BOUNDS,
    "bool_type": _not_bool,
    "dict_type": _mapping,
    "extra_forbidden": _unknown_key,
    "finite_number": _is_not("a finite number"),
    "float_type": _not_number,
    "int_from_float": _not_whole,
    "int_type": _not_whole,
    "list_type": _list,
    "literal_error": _literal,
    "missing": _missing,
    "model_attributes_type": _mapping,
    "model_type": _mapping,
    "string_type": _not_text,
    "tuple_type": _list,
    "union_tag_invalid": _unknown_tag,
    "union_tag_not_found": _no_tag,
    "words": _in_words,
}
