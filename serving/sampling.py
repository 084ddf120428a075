"""Which token comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.errors import InputError
from serving.nested import json_name

_MOST_STOPS = 8
_MOST_SEED = 2**63 - 1
_HOTTEST = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a request's ``parameters`` say; absent ones take these defaults.

    Args:
        max_new_tokens: Tokens of an answer at most. None: as many as the model's manifest allows and its context holds.
        temperature: What logits are divided by; 0 takes the likeliest token, always.
        top_p: Share of the probability, from the likeliest on, that is drawn from.
        seed: Makes draws repeatable. None: they are not.
        stop: Texts that end an answer; they are not part of it.
    """

    max_new_tokens: int | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()


def read_wishes(document: Any, most_tokens: int) -> Wishes:
    """Read a request's ``parameters``.

    Raises:
        InputError: If one is unknown, of a wrong type or out of its range.
    """
    if type(document) is not dict:
        raise InputError(f"parameters: {json_name(document)} where an object belongs")
    known = tuple(Wishes.__dataclass_fields__)
    for key in document:
        if key not in known:
            raise InputError(f"parameters: unknown key {key[:40]!r}, accepted: {', '.join(known)}")
    found = {key: value for key, value in document.items() if value is not None}
    _require_whole(found, "max_new_tokens", 1, most_tokens)
    _require_number(found, "temperature", 0.0, _HOTTEST)
    _require_number(found, "top_p", 0.0, 1.0)
    if found.get("top_p") == 0:
        raise InputError("parameters.top_p: 0, accepted: more than 0, at most 1")
    _require_whole(found, "seed", 0, _MOST_SEED)
    stop = found.pop("stop", [])
    if type(stop) is not list or len(stop) > _MOST_STOPS or not all(type(each) is str and each != "" for each in stop):
        raise InputError(f"parameters.stop: accepted: an array of at most {_MOST_STOPS} texts, none of them empty")
    return Wishes(**found, stop=tuple(stop))


def pick(logits: np.ndarray, wishes: Wishes, random: np.random.Generator) -> int:
    """Return the next token of one text.

    Args:
        logits: (vocabulary,).
        wishes: How to choose.
        random: Of this text alone, so that what else is in the batch does not matter.
    """
    if wishes.temperature == 0:
        return int(logits.argmax())
    powers = np.exp((logits - logits.max()).astype(np.float64) / wishes.temperature)
    order = np.argsort(-powers, kind="stable")
    heights = np.cumsum(powers[order])
    kept = int(np.searchsorted(heights, wishes.top_p * heights[-1])) + 1
    drawn = random.random() * heights[min(kept, len(heights)) - 1]
    return int(order[np.searchsorted(heights, drawn, side="right")])


def _require_whole(found: dict[str, Any], key: str, least: int, most: int) -> None:
    value = found.get(key, least)
    if type(value) is not int or not least <= value <= most:
        raise InputError(f"parameters.{key}: {_spell(value)}, accepted: a whole number from {least} to {most}")


def _require_number(found: dict[str, Any], key: str, least: float, most: float) -> None:
    value = found.get(key, least)
    if type(value) not in (int, float) or not least <= value <= most:
        raise InputError(f"parameters.{key}: {_spell(value)}, accepted: a number from {least:g} to {most:g}")


def _spell(value: Any) -> str:
    return str(value) if type(value) in (int, float) else json_name(value)
