from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.specs import Problem, SpecError

if TYPE_CHECKING:
    from pathlib import Path


def lines(folder: Path, name: str) -> list[str]:
    """Return the lines of a data file that are not empty."""
    file = folder / name
    try:
        read = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        where = f"models/{folder.name}/{file.name}"
        raise SpecError([Problem(where, 0, "", f"is not UTF-8 (byte {error.start}): save it as UTF-8")]) from None
    return [line.strip() for line in read if line.strip() != ""]
