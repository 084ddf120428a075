from __future__ import annotations

import gzip
import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from slipway.local_cloud.archive import ArchiveError, S3Object, unpack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/models/a b.tar.gz",
        "https://bucket.s3.eu-west-1.amazonaws.com/models/a%20b.tar.gz",
        "https://bucket.s3.amazonaws.com/models/a%20b.tar.gz",
        "https://s3.eu-west-1.amazonaws.com/bucket/models/a%20b.tar.gz",
    ],
)
def test_address_names_bucket_and_key(url: str) -> None:
    assert S3Object.parse(url) == S3Object("bucket", "models/a b.tar.gz")


def test_files_are_unpacked(tmp_path: Path, pack: Callable[[dict[str, bytes]], bytes]) -> None:
    file, folder = tmp_path / "model.tar.gz", tmp_path / "model"
    file.write_bytes(pack({"model.onnx": b"model", "code/inference.py": b"code"}))
    unpack(file, folder)
    assert (folder / "model.onnx").read_bytes() == b"model"
    assert (folder / "code/inference.py").read_bytes() == b"code"


def link(kind: bytes, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo("model.onnx")
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "member",
    [
        tarfile.TarInfo("../outside"),
        link(tarfile.SYMTYPE, "/etc/passwd"),
        link(tarfile.LNKTYPE, "../secret"),
        link(tarfile.FIFOTYPE, ""),
    ],
    ids=["parent", "symlink", "hardlink", "fifo"],
)
def test_archive_is_refused_when_a_member_is_more_than_a_file_inside(tmp_path: Path, member: tarfile.TarInfo) -> None:
    file = tmp_path / "model.tar.gz"
    with tarfile.open(file, "w:gz") as tar:
        tar.addfile(member, io.BytesIO())
    with pytest.raises(ArchiveError):
        unpack(file, tmp_path / "model")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("bound", [{"most_bytes": 9}, {"most_files": 1}])
def test_archive_is_refused_when_it_is_too_large(
    tmp_path: Path, pack: Callable[[dict[str, bytes]], bytes], bound: dict[str, int]
) -> None:
    file = tmp_path / "model.tar.gz"
    file.write_bytes(pack({"a": b"12345", "b": b"67890"}))
    unpack(file, tmp_path / "fits", most_bytes=10, most_files=2)
    with pytest.raises(ArchiveError, match="larger than"):
        unpack(file, tmp_path / "model", **bound)


def test_archive_is_refused_when_it_is_none(tmp_path: Path) -> None:
    file = tmp_path / "model.tar.gz"
    file.write_bytes(b"no archive")
    with pytest.raises(ArchiveError, match=r"(?i)not a gzip"):
        unpack(file, tmp_path / "model")


def test_archive_is_refused_when_a_header_would_fill_the_memory(tmp_path: Path) -> None:
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 2**30
    file = tmp_path / "model.tar.gz"
    file.write_bytes(gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(tarfile.BLOCKSIZE)))
    with pytest.raises(ArchiveError, match="a header in the model archive is larger than"):
        unpack(file, tmp_path / "model")


def test_archive_is_refused_when_its_middle_is_damaged(
    tmp_path: Path, pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    content = bytearray(pack({"model.onnx": os.urandom(2**20)}))
    content[2**19 : 2**19 + 2**16] = b"\xff" * 2**16
    file = tmp_path / "model.tar.gz"
    file.write_bytes(content)
    with pytest.raises(ArchiveError):
        unpack(file, tmp_path / "model")
