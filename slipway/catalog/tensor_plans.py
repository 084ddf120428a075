"""Which models transformers can split over ranks."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path


@cache
def tensor_plans() -> frozenset[str]:
    """Return the classes that have a ``tp_plan``, from ``tensor_plans.json`` (which names its source)."""
    return frozenset(json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))["classes"])
