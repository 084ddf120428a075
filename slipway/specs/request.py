"""What a build in the cloud is asked for and leaves: two small JSON files that both sides read."""

from __future__ import annotations

from typing import Final

from slipway.specs.base import Name, Spec
from slipway.specs.manifest import Sha256

EXPECTED_FILE: Final = "expected.json"
RESULT_FILE: Final = "result.json"
_MOST_PREFIX_LETTERS: Final = 40


def jobs_prefix(stack: str) -> str:
    """Return what the names of a build stack's jobs begin with, so short that the rest of a name fits behind it."""
    return f"{stack[:_MOST_PREFIX_LETTERS].rstrip('-')}-"


class Expected(Spec):
    """The artifact that a job is to build, beside its sources."""

    name: Name
    digest: Sha256
    versions: dict[str, str]
    """Of the libraries on the machine that asks; the digest covers them."""


class Result(Spec):
    """All that a job left, beside it."""

    files: dict[str, int]
    """Size in bytes by path below the folder."""
