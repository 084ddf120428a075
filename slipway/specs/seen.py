"""The hashes of files that have not been touched since they were last read: hashing takes a second a GB."""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

SETTLED_NS = 100_000_000
"""A file may change twice within one tick of its clock: one that was changed just now is not remembered."""


class Seen:
    """What is remembered of one project, in ``.slipway/files-seen.json``; nothing is lost with it but time.

    Args:
        file: Where; read at the first question, written at the end of the process and by ``keep``.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, list[object]] | None = None
        self._new: dict[str, list[object]] = {}

    def sha256(self, path: Path) -> str:
        """Return the hash of a file's bytes."""
        stat = path.stat()
        # The time of change too: whoever writes may set the time of modification back.
        stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        if self._known is None:
            self._known = _read(self._file)
        seen = self._known.get(str(path))
        if isinstance(seen, list) and seen[:-1] == stamp:
            return str(seen[-1])
        with path.open("rb") as stream:
            actual = hashlib.file_digest(stream, "sha256").hexdigest()
        if time.time_ns() - stat.st_ctime_ns > SETTLED_NS:
            self._known[str(path)] = self._new[str(path)] = [*stamp, actual]
        return actual

    def keep(self) -> None:
        """Write down what is new, beside what others wrote meanwhile; where that cannot be, it is hashed again."""
        if not self._new:
            return
        known, self._new = {**_read(self._file), **self._new}, {}
        text = json.dumps({path: item for path, item in known.items() if Path(path).exists()})
        with suppress(OSError):
            self._file.parent.mkdir(exist_ok=True)
            _replace(self._file, text)


@cache
def seen_in(root: Path) -> Seen:
    """Return what is remembered of a project."""
    seen = Seen(root / ".slipway" / "files-seen.json")
    atexit.register(seen.keep)
    return seen


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _read(file: Path) -> dict[str, list[object]]:
    try:
        known = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}
