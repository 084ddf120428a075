"""The machines that SageMaker's optimization jobs make a model for."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path


@cache
def optimization_types() -> frozenset[str]:
    """Every type by name, from ``optimization_types.json`` (which names its source)."""
    return frozenset(json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))["types"])
