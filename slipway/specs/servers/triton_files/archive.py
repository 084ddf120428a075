"""What lies in an artifact's archive."""

from __future__ import annotations

import tarfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import ValidationError

from slipway.specs.manifest import ServedModel

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Contents:
    """What a repository is made of.

    Args:
        served: What a server is told of the model.
        members: Names of all files.
    """

    served: ServedModel
    members: tuple[str, ...]


def contents(archive: Path) -> Contents | None:
    """Return what an archive holds; None where it is none, or holds no manifest that can be read."""
    return _contents(archive, archive.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _contents(archive: Path, _written: int) -> Contents | None:
    try:
        with tarfile.open(archive) as files:
            manifest = files.extractfile("manifest.json")
            content = b"" if manifest is None else manifest.read()
            return Contents(ServedModel.model_validate_json(content), tuple(files.getnames()))
    except (tarfile.TarError, zlib.error, EOFError, KeyError, ValidationError):
        return None
