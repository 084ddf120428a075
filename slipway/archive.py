"""``model.tar.gz`` whose bytes depend on nothing but the names and contents of the files in it."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import tarfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""No name, no time, no system."""
BLOCK = 0xFFFF
"""Most bytes that a stored deflate block holds."""
MODE = 0o644


@dataclass(frozen=True)
class Writer:
    """Takes the files of an archive, in the order in which they are to lie there.

    Args:
        stored: What the archive has become so far; its hash and size are final once the archive is written.
        tar: What takes them.
    """

    stored: StoredGzip
    tar: tarfile.TarFile

    def add(self, name: str, content: IO[bytes], size_bytes: int) -> None:
        """Add a file, with neither time nor owner."""
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size_bytes, MODE
        self.tar.addfile(entry, content)

    def add_bytes(self, name: str, content: bytes) -> None:
        """Do the same with what lies in no file."""
        self.add(name, io.BytesIO(content), len(content))


@contextmanager
def archive_at(target: Path) -> Iterator[Writer]:
    """Write an archive, and wait at the end until it is on the disk.

    Weights hardly shrink (8 % for ten seconds of gzip), so they are stored. The stored blocks are written here, because
    zlib's versions cut them differently.
    """
    with target.open("wb") as raw:
        stored = StoredGzip(raw)
        with tarfile.open(fileobj=stored, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 20) as tar:
            yield Writer(stored, tar)
        stored.finish()
        raw.flush()
        os.fsync(raw.fileno())


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
