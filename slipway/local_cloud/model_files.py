"""The archives of a multi-model container: from S3 into folders, once for each version."""

from __future__ import annotations

import itertools
import shutil
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from .archive import ArchiveError, S3Object, unpack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CHUNK_BYTES = 2**20


class ModelFiles:
    """What was fetched from below a prefix.

    Args:
        folder: Holds a folder for each archive.
        prefix: ``s3://bucket/prefix/``.
    """

    def __init__(self, folder: Path, prefix: str) -> None:
        self._folder = folder
        self._prefix = S3Object.parse(prefix)
        self._known: dict[str, tuple[str, Path]] = {}
        self._numbers = itertools.count(1)
        self._s3: Callable[[], Any] | None = None

    def open(self, s3: Callable[[], Any]) -> None:
        """Say how a client for S3 is made."""
        self._s3 = s3
        self._folder.mkdir(parents=True)

    def fetch(self, target: str) -> Path:
        """Return the folder that an archive is unpacked into; blocks, so it is called off the event loop.

        An archive that is there in its newest version is not fetched again. Only where none of its models is in memory
        does anybody ask, so that the folder of an older version may go.

        Raises:
            ArchiveError: If there is none below the prefix, in SageMaker's words, or it must not be unpacked.
        """
        bucket, key = self._prefix.bucket, f"{self._prefix.key}{_relative(target)}"
        assert self._s3 is not None  # noqa: S101  opened when its container started
        try:
            found = self._s3().get_object(Bucket=bucket, Key=key)
            etag, folder = self._known.get(target, ("", None))
            if folder is not None and etag == found["ETag"]:
                found["Body"].close()
                return folder
            fresh = self._unpacked(found["Body"])
        except (BotoCoreError, ClientError) as error:
            raise ArchiveError(
                f"Failed to download model data(bucket: {bucket}, key: {key}). Please ensure that there is an object "
                "located at the URL and that the role passed to CreateModel has permissions to download the model."
            ) from error
        if folder is not None:
            shutil.rmtree(folder.parent, ignore_errors=True)
        self._known[target] = (found["ETag"], fresh)
        return fresh

    def _unpacked(self, body: Any) -> Path:
        folder = self._folder / str(next(self._numbers))
        model, archive = folder / "model", folder / "model.tar.gz"
        model.mkdir(parents=True)
        with archive.open("wb") as out:
            for chunk in body.iter_chunks(_CHUNK_BYTES):
                out.write(chunk)
        unpack(archive, model)
        archive.unlink()
        return model


def _relative(target: str) -> str:
    """Refuse what does not name an archive below the prefix; S3 itself would only not find it."""
    if not target.isprintable() or any(part in ("", ".", "..") for part in target.split("/")):
        raise ArchiveError(f"TargetModel {target!r} is not the path of an archive below the model data prefix.")
    return target
