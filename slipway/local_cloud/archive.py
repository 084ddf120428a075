"""The model archive: from an S3 object to a folder that a server may read."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 32 * 2**30
MOST_FILES = 10_000
_MOST_AT_ONCE = 2**20


class ArchiveError(Exception):
    """An archive that is not there or that must not be unpacked."""


@dataclass(frozen=True)
class S3Object:
    """One object in S3."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, url: str) -> S3Object:
        """Read ``s3://bucket/key`` or the https address of an object, path style or virtual-hosted."""
        parts = urlsplit(url)
        path = unquote(parts.path).lstrip("/")
        if parts.scheme == "s3":
            return cls(parts.netloc, path)
        bucket, dot, _ = parts.netloc.partition(".s3")
        if dot and not parts.netloc.startswith("s3"):
            return cls(bucket, path)
        first, _, key = path.partition("/")
        return cls(first, key)


def download(s3: Any, url: str, file: Path, *, number: int = 1) -> None:
    """Write the object at ``url`` to a file.

    Args:
        s3: A boto3 client.
        url: Of the archive.
        file: Where it goes.
        number: Of the container among its model's, which SageMaker names.

    Raises:
        ArchiveError: If there is none; in SageMaker's words.
    """
    place = S3Object.parse(url)
    try:
        body = s3.get_object(Bucket=place.bucket, Key=place.key)["Body"]
        with file.open("wb") as out:
            for chunk in body.iter_chunks(2**20):
                out.write(chunk)
    except (BotoCoreError, ClientError) as error:
        raise ArchiveError(
            f'Failed to download model data for container "container_{number}" from URL: "{url}". Please ensure that '
            f"there is an object located at the URL ({error})"
        ) from error


def unpack(file: Path, folder: Path, *, most_bytes: int = MOST_BYTES, most_files: int = MOST_FILES) -> None:
    """Unpack a ``model.tar.gz`` of plain files and folders.

    Raises:
        ArchiveError: If it is no such archive, reaches outside its folder, holds links or devices, or is too large.
    """
    try:
        with _Unzipped(file, "rb") as unzipped, tarfile.open(fileobj=unzipped, mode="r:") as archive:
            _unpack(archive, folder, most_bytes, most_files)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise ArchiveError(f"Failed to extract model data archive for container: {error}") from error


class _Unzipped(gzip.GzipFile):
    """Files are read in small pieces, only a header in one: tarfile would take any length into memory."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _MOST_AT_ONCE:
            raise ArchiveError(f"a header in the model archive is larger than {_MOST_AT_ONCE} bytes")
        return super().read(size)


def _unpack(archive: tarfile.TarFile, folder: Path, most_bytes: int, most_files: int) -> None:
    size = 0
    for number, member in enumerate(archive, start=1):
        size += member.size
        if not (member.isfile() or member.isdir()):
            raise ArchiveError(f"{member.name!r} in the model archive is no plain file or folder")
        if number > most_files or size > most_bytes:
            raise ArchiveError(f"the model archive is larger than {most_files} files or {most_bytes} bytes")
        archive.extract(member, folder, filter="data")
