"""What CloudFormation cannot change in place."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path


@cache
def create_only(resource_type: str) -> tuple[str, ...] | None:
    """Return the properties whose change makes CloudFormation replace a resource.

    Args:
        resource_type: As in ``AWS::SageMaker::Model``.

    Returns:
        Paths such as ``VpcConfig`` or ``Layer/Arn``, from ``create_only.json`` (which names its source); None for a
        type that the catalogue does not have.
    """
    found = _types().get(resource_type)
    return None if found is None else tuple(found)


@cache
def _types() -> dict[str, list[str]]:
    file = Path(__file__).with_name("create_only.json")
    types: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8"))["types"]
    return types
