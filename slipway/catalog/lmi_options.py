"""What Large Model Inference containers can be told."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path


@cache
def lmi_options() -> frozenset[str]:
    """Return every option, as it stands after ``option.``, from ``lmi_options.json`` (which names its sources).

    They are no closed list: what LMI does not know it hands on to vLLM.
    """
    file = Path(__file__).with_suffix(".json")
    return frozenset(json.loads(file.read_text(encoding="utf-8"))["options"])
