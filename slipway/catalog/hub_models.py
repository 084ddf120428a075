"""Public models that people name by their id on the Hugging Face Hub alone."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def hub_models() -> dict[str, dict[str, Any]]:
    """What each model's ``config.json`` says of its size, by id; from ``hub_models.json``, which names its sources."""
    document = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    shapes = {shape["id"]: shape["config"] for shape in document["models"]}
    also = {other: shape["config"] for shape in document["models"] for other in shape.get("also", ())}
    return shapes | also
