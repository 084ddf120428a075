"""The machines that SageMaker runs processing jobs on, which are not those that it hosts models on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class ProcessingType:
    """One type, from ``processing_types.json`` (which names its sources).

    Args:
        name: As SageMaker spells it, ``ml.c7i.4xlarge``.
        nvme: Whether it has its own disk, so that a key for its volume is refused; None where the sources do
            not know the machine.
    """

    name: str
    nvme: bool | None


@cache
def processing_types() -> dict[str, ProcessingType]:
    """Every type by name."""
    rows = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))["types"]
    return {name: ProcessingType(name, **row) for name, row in rows.items()}
