from __future__ import annotations

import gzip
import hashlib
import io
import random
import tarfile
from typing import TYPE_CHECKING

import pytest

from model_build.archive import write_archive
from slipway.archive import BLOCK, StoredGzip

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_stored_gzip_is_read_by_gzip_however_it_was_cut(size: int) -> None:
    content = random.Random(size).randbytes(size)  # noqa: S311  bytes, not secrets
    results = set()
    for step in (1000, BLOCK, 1 << 20):
        raw = io.BytesIO()
        stored = StoredGzip(raw)
        for start in range(0, size, step):
            stored.write(content[start : start + step])
        stored.finish()
        assert gzip.decompress(raw.getvalue()) == content
        assert stored.written == len(raw.getvalue())
        assert stored.sha256.hexdigest() == hashlib.sha256(raw.getvalue()).hexdigest()
        results.add(raw.getvalue())
    assert len(results) == 1


def test_archive_does_not_depend_on_who_wrote_when(tmp_path: Path) -> None:
    archives = []
    for name, mode in (("one", 0o600), ("other", 0o755)):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("b", "a") if name == "one" else ("a", "b"):
            (folder / file).write_text(file * 10)
            (folder / file).chmod(mode)
        archives.append(write_archive(folder, tmp_path / f"{name}.tar.gz"))
    assert archives[0] == archives[1]
    with tarfile.open(tmp_path / "one.tar.gz") as archive:
        assert [(entry.name, entry.mode) for entry in archive] == [("a", 0o644), ("b", 0o644)]
