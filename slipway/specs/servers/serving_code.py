"""The code of our own server, as files of a model, for the servers of others that run it."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def sources() -> dict[str, bytes]:
    """Return the files of ``serving/`` by name."""
    spec = find_spec("serving")
    assert spec is not None  # noqa: S101  it stands beside this package
    assert spec.origin is not None  # noqa: S101  likewise
    return {path.name: path.read_bytes() for path in sorted(Path(spec.origin).parent.glob("*.py"))}
