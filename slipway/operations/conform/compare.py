"""Whether two answers say the same."""

from __future__ import annotations

import json
import math
from typing import Any

TOLERANCE = 1e-3
"""Batching and another number of threads move the last digits."""
_SHOWN = 60


def difference(one: bytes, other: bytes, tolerance: float = TOLERANCE) -> str | None:
    """Return where two answers differ: JSON number by number, anything else byte by byte; None where they do not."""
    if one == other:
        return None
    try:
        return _differ(json.loads(one), json.loads(other), tolerance, "")
    except ValueError:
        return f"{_short(one)} and {_short(other)}"


def _differ(one: Any, other: Any, tolerance: float, path: str) -> str | None:
    here = path or "the answer"
    if _is_number(one) and _is_number(other):
        same = math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
        return None if same else f"{here} is {one} and {other}"
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return f"{here} has the keys {sorted(one)} and {sorted(other)}"
        pairs = ((one[key], other[key], f"{path}.{key}".lstrip(".")) for key in one)
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return f"{here} has {len(one)} and {len(other)} elements"
        pairs = ((left, right, f"{path}[{index}]") for index, (left, right) in enumerate(zip(one, other, strict=True)))
    else:
        same = one == other and isinstance(one, bool) is isinstance(other, bool)
        return None if same else f"{here} is {_short(one)} and {_short(other)}"
    return next((found for pair in pairs if (found := _differ(pair[0], pair[1], tolerance, pair[2])) is not None), None)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
