"""Everything below a prefix in S3, to a folder and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from .archive import ArchiveError, S3Object

if TYPE_CHECKING:
    from pathlib import Path


def download_prefix(s3: Any, uri: str, folder: Path) -> None:
    """Write every object below a prefix to a folder.

    Args:
        s3: A boto3 client.
        uri: ``s3://bucket/prefix``; where it names one object alone, that goes into the folder under its own name.
        folder: Where they go; made if it is not there.

    Raises:
        ArchiveError: If there is none, or one would land elsewhere; in SageMaker's words where it has any.
    """
    place = S3Object.parse(uri)
    start = place.key.rpartition("/")[0]
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.key)
        keys = [found["Key"] for page in pages for found in page.get("Contents", []) if not found["Key"].endswith("/")]
        if not keys:
            raise ArchiveError(f'No S3 objects found under S3 URL "{uri}" given in input data source.')
        for key in keys:
            _download(s3, place.bucket, key, folder, key[len(start) :].lstrip("/"))
    except (BotoCoreError, ClientError) as error:
        raise ArchiveError(f'Failed to download data from S3 URL "{uri}" ({error})') from error


def upload_folder(s3: Any, folder: Path, uri: str) -> None:
    """Put every file of a folder below a prefix; a folder that is not there holds none."""
    place = S3Object.parse(uri)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        key = f"{place.key.rstrip('/')}/{file.relative_to(folder).as_posix()}"
        s3.upload_file(str(file), place.bucket, key)


def _download(s3: Any, bucket: str, key: str, folder: Path, relative: str) -> None:
    if any(part in ("", ".", "..") for part in relative.split("/")):
        raise ArchiveError(f"the object {key!r} has no place in a folder")
    file = folder / relative
    file.parent.mkdir(parents=True, exist_ok=True)
    s3.download_file(bucket, key, str(file))
