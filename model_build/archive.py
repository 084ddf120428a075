"""``model.tar.gz`` whose bytes depend on nothing but the files in it."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import tarfile
import zlib
from typing import TYPE_CHECKING, BinaryIO

from slipway.specs import Archive

if TYPE_CHECKING:
    from pathlib import Path

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""No name, no time, no system."""
BLOCK = 0xFFFF
"""Most bytes that a stored deflate block holds."""
MODE = 0o644


def write_archive(folder: Path, target: Path) -> Archive:
    """Pack every file below a folder, sorted, with neither time nor owner, and wait until it is on the disk.

    Weights hardly shrink (8 % for ten seconds of gzip), so they are stored. The stored blocks are written here, because
    zlib's versions cut them differently.
    """
    with target.open("wb") as raw:
        stored = StoredGzip(raw)
        with tarfile.open(fileobj=stored, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 20) as tar:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                _add(tar, path, path.relative_to(folder).as_posix())
        stored.finish()
        raw.flush()
        os.fsync(raw.fileno())
    return Archive(sha256=stored.sha256.hexdigest(), size_bytes=stored.written)


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = path.stat().st_size, MODE
    with path.open("rb") as content:
        tar.addfile(entry, content)


class StoredGzip(io.RawIOBase):
    """A gzip stream that stores instead of compressing.

    Args:
        raw: Where the bytes go.
    """

    def __init__(self, raw: BinaryIO) -> None:
        self._raw, self._crc, self._size, self._rest = raw, 0, 0, b""
        self.sha256 = hashlib.sha256()
        self.written = 0
        self._emit(GZIP_HEADER)

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # tarfile only ever hands over bytes
        """Store whole blocks and keep the rest for later: the cuts must not depend on how the caller cut."""
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        waiting = self._rest + data
        whole = len(waiting) // BLOCK * BLOCK
        for start in range(0, whole, BLOCK):
            self._block(waiting[start : start + BLOCK], last=False)
        self._rest = waiting[whole:]
        return len(data)

    def finish(self) -> None:
        """Write the last block and the checksum."""
        self._block(self._rest, last=True)
        self._emit(struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))

    def _block(self, data: bytes, *, last: bool) -> None:
        self._emit(struct.pack("<BHH", last, len(data), len(data) ^ 0xFFFF) + data)

    def _emit(self, data: bytes) -> None:
        self._raw.write(data)
        self.sha256.update(data)
        self.written += len(data)
