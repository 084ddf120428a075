from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from slipway.specs.seen import SETTLED_NS, Seen

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "weights"
    file.write_bytes(b"before")
    time.sleep(SETTLED_NS / 1e9 * 1.5)
    return file


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read."""
    names: list[str] = []
    original = hashlib.file_digest

    def noted(stream: Any, *words: Any) -> Any:
        names.append(os.path.basename(stream.name))  # noqa: PTH119  a name is all that a stream has
        return original(stream, *words)

    monkeypatch.setattr(hashlib, "file_digest", noted)
    return names


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_file_is_read_once_until_it_changes(weights: Path, read: list[str]) -> None:
    notes = weights.parent / ".slipway" / "files-seen.json"
    for _ in range(2):
        seen = Seen(notes)
        assert [seen.sha256(weights) for _ in range(2)] == [sha256(b"before")] * 2
        seen.keep()
    assert read == ["weights"]
    stat = weights.stat()
    weights.write_bytes(b"after!")
    os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert Seen(notes).sha256(weights) == sha256(b"after!")


def test_file_that_changed_just_now_is_not_remembered(
    tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.specs.seen.SETTLED_NS", 3600 * 10**9)  # a machine may pause longer than it is
    seen = Seen(tmp_path / "notes.json")
    (tmp_path / "new").write_bytes(b"1")
    assert [seen.sha256(tmp_path / "new") for _ in range(2)] == [sha256(b"1")] * 2
    assert read == ["new", "new"]
    seen.keep()
    assert not (tmp_path / "notes.json").exists()


def test_notes_of_two_processes_come_together_and_files_that_are_gone_are_forgotten(weights: Path) -> None:
    notes, gone = weights.parent / "notes.json", weights.parent / "gone"
    gone.write_bytes(b"2")
    time.sleep(SETTLED_NS / 1e9 * 1.5)
    one, other = Seen(notes), Seen(notes)
    one.sha256(weights)
    other.sha256(gone)
    one.keep()
    other.keep()
    assert all(str(file) in notes.read_text() for file in (weights, gone))
    gone.unlink()
    again = Seen(notes)
    weights.write_bytes(b"3")
    time.sleep(SETTLED_NS / 1e9 * 1.5)
    again.sha256(weights)
    again.keep()
    assert str(gone) not in notes.read_text()


@pytest.mark.parametrize("text", ["[" * 100_000, "null", '{"%s": 3}', '{"%s": []}', "\0"])
def test_garbage_in_the_notes_is_no_answer(weights: Path, text: str) -> None:
    notes = weights.parent / "notes.json"
    notes.write_text(text.replace("%s", str(weights)))
    assert Seen(notes).sha256(weights) == sha256(b"before")
