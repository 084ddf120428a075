from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MOST_ENTRIES: Final = 10_000
MOST_TIMES: Final = 200
"""How many times larger than the archive its content may be: weights hardly shrink."""
SMALL_BYTES: Final = 64 << 20
"""Up to here the ratio says nothing."""
PIECE: Final = 1 << 20
MOST_PADDING: Final = 64 << 20


@dataclass(frozen=True)
class Limits:
    """How much an archive may unpack to.

    Args:
        entries: Files and folders.
        bytes: All files together.
    """

    entries: int
    bytes: int

    @classmethod
    def for_archive(cls, archive: Path, folder: Path) -> Limits:
        """Return what the ratio and the disk allow; a tenth of the disk's free space stays free."""
        ratio = max(SMALL_BYTES, archive.stat().st_size * MOST_TIMES)
        return cls(MOST_ENTRIES, min(ratio, shutil.disk_usage(folder).free * 9 // 10))


def unpack(archive: Path, folder: Path, refusal: Callable[[str], Exception], limits: Limits | None = None) -> None:
    """Write an archive's files and folders, and nothing but those, below a folder.

    Args:
        archive: A tar, compressed or not.
        folder: An empty one.
        refusal: Makes the error to raise of what is wrong, which names the entry.
        limits: What is too much.
            Default: what `Limits.for_archive` says.
    """
    allowed = limits or Limits.for_archive(archive, folder)
    entries = written = 0
    try:
        with _stream(archive) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for entry in tar:
                entries += 1
                if entries > allowed.entries:
                    raise refusal(f"holds more than {allowed.entries:,} entries: is it a bomb?")
                reason = _unsafe(entry)
                if reason is not None:
                    raise refusal(f"entry {entry.name!r} {reason}: nothing but files and folders inside is unpacked")
                written += entry.size
                if written > allowed.bytes:
                    raise refusal(f"entry {entry.name!r} takes it beyond {allowed.bytes:,} bytes: is it a bomb?")
                _write(tar, entry, folder, refusal)
            _read_to_the_end(stream)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise refusal(f"is cut short or is no tar archive: {error}") from error
    if entries == 0:
        raise refusal("is an empty archive")


def _stream(archive: Path) -> IO[bytes]:
    with archive.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(archive)) if zipped else archive.open("rb")


def _read_to_the_end(stream: IO[bytes]) -> None:
    """See the checksum too, which stands last; what follows a tar's end is padding, and there is little of it."""
    for _ in range(MOST_PADDING // PIECE):
        if stream.read(PIECE) == b"":
            return
    raise tarfile.ReadError("something follows its end")


def _unsafe(entry: tarfile.TarInfo) -> str | None:
    path = PurePosixPath(entry.name)
    if path.is_absolute() or ".." in path.parts or "\\" in entry.name or "\0" in entry.name:
        return "leads out of the folder"
    if entry.issym() or entry.islnk():
        return f"is a link to {entry.linkname!r}"
    if entry.issparse():
        return "is a sparse file"
    return None if entry.isfile() or entry.isdir() else "is a device or a pipe"


def _write(tar: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path, refusal: Callable[[str], Exception]) -> None:
    target = folder / entry.name
    try:
        if entry.isdir():
            target.mkdir(parents=True, exist_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:  # what is there twice would be one thing to us and another to someone else
            content = tar.extractfile(entry)
            if content is not None:
                shutil.copyfileobj(content, file, PIECE)
    except (FileExistsError, NotADirectoryError):
        raise refusal(f"entry {entry.name!r} is there twice") from None
