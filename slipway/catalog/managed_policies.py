"""What AWS's managed policies allow."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def managed_policy(name: str) -> dict[str, Any] | None:
    """Return the document of a managed policy of AWS.

    Args:
        name: As in ``AmazonSageMakerFullAccess``, without its path.

    Returns:
        As IAM takes it, from ``managed_policies.json`` (which names its source); None for a policy that the catalogue
        does not have.
    """
    return _policies().get(name)


@cache
def _policies() -> dict[str, dict[str, Any]]:
    file = Path(__file__).with_name("managed_policies.json")
    policies: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["policies"]
    return policies
