"""A file that a script writes and that CI holds to what the script gives."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def write_or_check(target: Path, text: Callable[[], str], *, source: str) -> int:
    """Write a file, or with ``--check`` only say whether it is what it would be.

    Args:
        target: The file.
        text: Gives its content.
        source: What gives it, with the verb.

    Returns:
        The exit code: 1 where a check finds another content.
    """
    if "--check" not in sys.argv:
        target.write_text(text(), encoding="utf-8")
        return 0
    if target.read_text(encoding="utf-8") == text():
        return 0
    print(f"{target.name} is not what {source}: run python {sys.argv[0]}", file=sys.stderr)
    return 1
