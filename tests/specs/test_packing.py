"""Files as a server lays them out: the same bytes for the same artifact, and nothing half-written."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from slipway.specs import HostError, SpecError
from slipway.specs.artifact import Artifact
from slipway.specs.lock import LockedModel
from slipway.specs.manifest import Archive
from slipway.specs.servers import ServerSpec
from slipway.specs.servers.packing import packed

if TYPE_CHECKING:
    from slipway.catalog import InstanceType
    from slipway.specs.servers.base import Layout

LOCKED = LockedModel(
    archive=Archive(sha256="0" * 64, size_bytes=1),
    benchmark=(),
    digest="a" * 64,
    metric="cosine_similarity",
    recipe="",
    reference_bytes=1,
    sources="0" * 64,
    target="cpu",
    value=1.0,
)


class Shelf(ServerSpec):
    """Wants the model one folder deeper, beside a file of its own."""

    name: Literal["shelf"] = "shelf"
    words: str = "shelf = 1\n"

    def layout(self, artifact: Artifact, machine: InstanceType | None) -> Layout:  # noqa: ARG002
        return {f"{artifact.model}/config.txt": self.words.encode(), f"{artifact.model}/1/model.onnx": "model.onnx"}


def archived(folder: Path) -> Artifact:
    file = folder / "model.tar.gz"
    with tarfile.open(file, "w:gz") as tar:
        for name, content in (("model.onnx", b"weights"), ("manifest.json", b"{}")):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return locked(file)


def locked(archive: Path) -> Artifact:
    """Lock an archive, or a folder's files, as they are now."""
    if archive.is_dir():
        sums = [f"{hashlib.sha256(it.read_bytes()).hexdigest()}  {it.name}\n" for it in sorted(archive.iterdir())]
        content, layout = "".join(sorted(sums)).encode(), "prefix"
    else:
        content, layout = archive.read_bytes(), None
    whole = Archive(sha256=hashlib.sha256(content).hexdigest(), size_bytes=1)
    return Artifact("reader", LOCKED.model_copy(update={"archive": whole, "layout": layout}), archive)


def held(file: Path | None) -> dict[str, bytes]:
    assert file is not None
    with tarfile.open(file) as tar:
        found = {name: tar.extractfile(name) for name in tar.getnames()}
        return {name: content.read() for name, content in found.items() if content is not None}


def test_archive_is_laid_out_anew_once(tmp_path: Path) -> None:
    artifact = archived(tmp_path)
    first = packed(artifact, Shelf(), None)
    assert held(first.archive) == {"reader/1/model.onnx": b"weights", "reader/config.txt": b"shelf = 1\n"}
    assert first.archive is not None
    written = first.archive.stat().st_mtime_ns
    assert packed(artifact, Shelf(), None) == first
    assert first.archive.stat().st_mtime_ns == written
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["model.tar.gz", first.archive.name])


def test_other_options_are_another_archive(tmp_path: Path) -> None:
    artifact = archived(tmp_path)
    first, second = packed(artifact, Shelf(), None), packed(artifact, Shelf(words="shelf = 2\n"), None)
    assert first.digest != second.digest
    assert first.archive != second.archive
    assert first.digest != artifact.locked.digest


def test_equal_artifacts_are_equal_bytes_wherever_they_lie(tmp_path: Path) -> None:
    files = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        files.append(packed(archived(tmp_path / name), Shelf(), None).archive)
    assert files[0] is not None
    assert files[1] is not None
    assert files[0].read_bytes() == files[1].read_bytes()


def test_files_of_a_folder_keep_their_place_and_generated_ones_lie_beside(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"weights")
    ready = packed(locked(folder), Shelf(), None)
    assert ready.archive is None
    assert ready.files["reader/1/model.onnx"] == folder / "model.onnx"
    assert ready.files["reader/config.txt"].read_bytes() == b"shelf = 1\n"
    assert [path.name for path in folder.iterdir()] == ["model.onnx"]


def test_disk_that_refuses_is_one_error(tmp_path: Path) -> None:
    artifact = archived(tmp_path)
    first = packed(artifact, Shelf(), None).archive
    assert first is not None
    first.unlink()
    (tmp_path / ".packing").write_bytes(b"")
    with pytest.raises(HostError, match="cannot be written: File exists"):
        packed(artifact, Shelf(), None)


def test_failure_half_way_leaves_nothing(tmp_path: Path) -> None:
    class Lost(Shelf):
        def layout(self, artifact: Artifact, machine: InstanceType | None) -> Layout:  # noqa: ARG002
            return {"a": b"a", "b": "not-there"}

    with pytest.raises(KeyError):
        packed(archived(tmp_path), Lost(), None)
    assert [path.name for path in tmp_path.iterdir()] == ["model.tar.gz"]


def test_artifact_that_was_changed_after_its_proof_is_not_uploaded(tmp_path: Path) -> None:
    artifact = archived(tmp_path)
    content = bytearray(artifact.archive.read_bytes())
    content[len(content) // 2] ^= 1
    artifact.archive.write_bytes(content)
    with pytest.raises(SpecError, match="was changed after its proof: run `slipway build reader --force`"):
        packed(artifact, Shelf(), None)
    assert [path.name for path in tmp_path.iterdir()] == ["model.tar.gz"]


def test_file_of_a_language_model_that_was_changed_is_not_uploaded(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_bytes(b"{}")
    artifact = locked(folder)
    assert len(packed(artifact, Shelf(), None).files) == 2
    (folder / "config.json").write_bytes(b"[]")
    with pytest.raises(SpecError, match="was changed after its proof"):
        packed(artifact, Shelf(), None)


PROJECT = Path(__file__).parents[2]
PACK = """
import sys
from pathlib import Path
from slipway.specs import HostError
from tests.specs.test_packing import Shelf, locked, packed
try:
    print(packed(locked(Path(sys.argv[1])), Shelf(), None).archive)
except HostError as error:
    sys.exit(f"one line: {error}")
"""
STOPS = """
import time
from slipway.specs.servers import packing
add = packing._add
def add_one_and_stop(*words):
    add(*words)
    print("one is added", flush=True)
    time.sleep(600)
packing._add = add_one_and_stop
"""
ROOM = """mount -t tmpfs -o size=40m none "$1" || exit 99
cp "$2" "$1"
"$PYTHON" -c "$PACK" "$1/model.tar.gz"; echo "ended with $?, left $(cd "$1" && echo .[a-z]* *)"
mount -o remount,size=200m "$1"
"$PYTHON" -c "$PACK" "$1/model.tar.gz" > /dev/null; echo "ended with $?, left $(cd "$1" && echo .[a-z]* *)"
"""


@pytest.fixture
def large(tmp_path: Path) -> Artifact:
    """An artifact that takes a moment to pack."""
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz", compresslevel=0) as tar:
        entry = tarfile.TarInfo("model.onnx")
        entry.size = 32 << 20
        tar.addfile(entry, io.BytesIO(os.urandom(1 << 20) * 32))
    return locked(tmp_path / "model.tar.gz")


def packing(archive: Path, before: str = "") -> subprocess.Popen[str]:
    words = [sys.executable, "-c", before + PACK, str(archive)]
    return subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_end_while_packing_leaves_nothing_that_is_taken_for_whole(large: Artifact, number: signal.Signals) -> None:
    folder = large.archive.parent
    with packing(large.archive, STOPS) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "one is added\n"
        assert list(folder.rglob("shelf-*")) != []
        child.send_signal(number)
    assert child.returncode == -number
    assert list(folder.glob("shelf-*")) == []
    whole = packed(large, Shelf(), None).archive
    assert held(whole)["reader/1/model.onnx"] == held(large.archive)["model.onnx"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(["model.tar.gz", str(whole and whole.name)])


def test_two_at_once_pack_it_once(large: Artifact) -> None:
    with packing(large.archive) as one, packing(large.archive) as other:
        said = {child.communicate()[0].strip() for child in (one, other)}
    whole = packed(large, Shelf(), None).archive
    assert (one.returncode, other.returncode, said) == (0, 0, {str(whole)})
    assert held(whole)["reader/1/model.onnx"] == held(large.archive)["model.onnx"]
    assert len(list(large.archive.parent.iterdir())) == 2


def test_full_disk_while_packing_is_one_line_and_the_next_run_is_whole(large: Artifact, tmp_path: Path) -> None:
    narrow = tmp_path / "narrow"
    narrow.mkdir()
    if shutil.which("unshare") is None:
        pytest.skip("no way to make a small disk")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", ROOM, "sh", str(narrow), str(large.archive)],
        cwd=PROJECT, env={**os.environ, "PYTHON": sys.executable, "PACK": PACK},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode in (1, 99) and "ended with" not in done.stdout:
        pytest.skip(f"no way to make a small disk: {done.stderr.strip()}")
    full, whole = done.stdout.splitlines()
    assert full == "ended with 1, left .[a-z]* model.tar.gz"
    assert whole.startswith("ended with 0, left .[a-z]* model.tar.gz shelf-")
    [said] = done.stderr.splitlines()
    assert said.startswith("one line: ")
    assert said.endswith("cannot be written: No space left on device")
