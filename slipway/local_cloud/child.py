"""How our own modules are found by the processes that we start, wherever those run."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path


def python_path() -> str:
    """Return a ``PYTHONPATH`` under which ``slipway`` and ``serving`` are the ones that are running here."""
    origins = [spec.origin for name in ("slipway", "serving") if (spec := find_spec(name)) is not None]
    roots = [str(Path(origin).parent.parent) for origin in origins if origin is not None]
    return os.pathsep.join(dict.fromkeys(roots))
