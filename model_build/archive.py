"""A folder as one archive whose bytes depend on nothing but the files in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.archive import archive_at
from slipway.specs import Archive

if TYPE_CHECKING:
    from pathlib import Path


def write_archive(folder: Path, target: Path) -> Archive:
    """Pack every file below a folder, sorted, and wait until the archive is on the disk."""
    with archive_at(target) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            with path.open("rb") as content:
                archive.add(path.relative_to(folder).as_posix(), content, path.stat().st_size)
    return Archive(sha256=archive.stored.sha256.hexdigest(), size_bytes=archive.stored.written)
