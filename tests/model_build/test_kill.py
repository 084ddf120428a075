"""A real `slipway build`, killed in the middle of what it does or left without room on the disk: the next one is whole.

``SLIPWAY_KILLS=50`` tries so many moments; ``SLIPWAY_KILLS_SEED=7`` others.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from model_build.graph import Graph
from model_build.store import Store
from slipway.specs import Project
from tests.local_cloud.conftest import eventually
from tests.model_build.conftest import write_embedder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOMENTS = int(os.environ.get("SLIPWAY_KILLS", "2"))
SEED = int(os.environ.get("SLIPWAY_KILLS_SEED", "0"))
BUILD = (sys.executable, "-c", "from slipway.cli import main; main()", "build", "--format", "json", "--project")
KILLER = '''"""Kills the process that is about to make the change of a number; a byte of the log is a change."""

import os
import signal
import sys

CHANGES = {"open", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "shutil.rmtree"}
log = os.open(os.environ["CHANGES_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def hook(event, words):
    if event not in CHANGES or os.environ["CHANGES_IN"] not in str(words[0]):
        return
    if event == "open" and not (words[2] or 0) & (os.O_WRONLY | os.O_RDWR):
        return
    os.write(log, b".")
    if os.fstat(log).st_size == int(os.environ["CHANGES_LAST"]):
        os.kill(os.getpid(), signal.SIGKILL)


sys.addaudithook(hook)
'''


class Room:
    """A project of one model, and builds of it that end at a change of their number.

    Args:
        folder: Is empty.
    """

    def __init__(self, folder: Path) -> None:
        self.root, self._log = folder / "project", folder / "log"
        (folder / "hook").mkdir(parents=True)
        (folder / "hook" / "sitecustomize.py").write_text(KILLER)
        self._hook = folder / "hook"
        self.renew()

    def renew(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        (self.root / "endpoints").mkdir(parents=True)
        write_embedder(self.root)

    def build(self, last: int = -1, seconds: float = 300) -> subprocess.CompletedProcess[str]:
        self._log.unlink(missing_ok=True)
        changes = {"CHANGES_IN": str(self.root), "CHANGES_LOG": str(self._log), "CHANGES_LAST": str(last)}
        environment = {**os.environ, "PYTHONPATH": str(self._hook), **changes}
        command = [*BUILD, str(self.root)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds, check=False)
        eventually(lambda: not self.is_busy())  # the child of a build that is killed ends a moment after it
        return done

    def is_busy(self) -> bool:
        """Tell whether a process works in the project."""
        with suppress(psutil.Error):
            return any(
                process.info["cwd"] == str(self.root) and process.info["status"] != psutil.STATUS_ZOMBIE
                for process in psutil.process_iter(["cwd", "status"])
            )
        return True

    @property
    def changes(self) -> int:
        """How many changes the last build made."""
        return self._log.stat().st_size

    @property
    def artifact(self) -> tuple[str, str]:
        """Digest of the artifact and hash of its archive."""
        locked = Project(self.root).lock.models["tiny"]
        return locked.digest, locked.archive.sha256

    def forms(self) -> Iterator[tuple[str, bytes]]:
        """Yield the bytes of every form that the cache would hand out."""
        for folder in (self.root / ".slipway" / "cache" / "tiny").glob("[!.]*"):
            graph = Graph.found(folder)
            for file in [] if graph is None else graph.files():
                yield f"{folder.name}/{file.name}", file.read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Room:
    """A build that nobody disturbed."""
    room = Room(tmp_path_factory.mktemp("whole"))
    assert room.build().returncode == 0
    return room


def require_nothing_half(room: Room, whole: Room) -> None:
    """What is taken for finished is what the undisturbed build made, byte for byte."""
    project, made = Project(room.root), dict(whole.forms())
    for folder in (room.root / "artifacts").glob("[!.]*/*"):
        assert Store(project).find("tiny", folder.name) is not None
    for name, locked in project.lock.models.items():
        assert Store(project).find(name, locked.digest) is not None
    for file, content in room.forms():
        assert content == made[file], file


def require_whole(room: Room, whole: Room) -> None:
    """Everything is there, and nothing else."""
    require_nothing_half(room, whole)
    assert room.artifact == whole.artifact
    left = sorted(path.relative_to(room.root).parts[:2] for path in room.root.rglob(".*") if path.name != ".slipway")
    assert left == [("artifacts", ".lock")]
    assert sorted(path.name for path in (room.root / "artifacts" / "tiny").iterdir()) == [room.artifact[0]]


@pytest.mark.slow
def test_build_that_is_killed_anywhere_leaves_nothing_half_and_the_next_one_is_whole(
    whole: Room, tmp_path: Path
) -> None:
    room, pick = Room(tmp_path), random.Random(SEED)  # noqa: S311  moments, not secrets
    moments = [whole.changes - pick.randint(0, 5), *(pick.randint(1, whole.changes) for _ in range(MOMENTS - 1))]
    for last in moments:  # the first of them as the lock and the notes are written
        done = room.build(last)
        require_nothing_half(room, whole)
        if done.returncode == 0:  # what is kept from the builds before left it fewer changes to make
            require_whole(room, whole)
            room.renew()
        elif done.returncode != -signal.SIGKILL:  # the child was killed, and the build says so
            assert (done.returncode, json.loads(done.stdout)["error"]["kind"]) == (3, "HostError"), done.stderr
            assert "killed by SIGKILL (out of memory?) during" in done.stderr.splitlines()[-1]
    done = room.build()
    assert done.returncode == 0, done.stderr
    require_whole(room, whole)


ROOM = """root=$1; shift
mkdir "$root-narrow" && mount -t tmpfs -o size=64m none "$root-narrow" || exit 99
cp -r "$root/." "$root-narrow"
for size in "$@"; do
    mount -o remount,size="$size" "$root-narrow" || exit 99
    "$PYTHON" -c "from slipway.cli import main; main()" build --project "$root-narrow" 2>&1 > /dev/null
    echo "ended with $?, left $(cd "$root-narrow/artifacts" && echo .[a-z]* *)"
done
cp -r "$root-narrow/artifacts" "$root-narrow/artifacts.lock" "$root"
"""


@pytest.mark.slow
def test_build_on_a_disk_without_room_says_so_and_the_next_one_is_whole(whole: Room, tmp_path: Path) -> None:
    room, pick = Room(tmp_path), random.Random(SEED)  # noqa: S311  see above
    sizes = [f"{size}k" for size in sorted(pick.sample(range(28, 144, 4), 2))]  # it takes 176, of them the project 24
    if shutil.which("unshare") is None:
        pytest.skip("no way to make a small disk")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", ROOM, "sh", str(room.root), *sizes, "64m"],
        env={**os.environ, "PYTHON": sys.executable}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode in (1, 99) and "ended with" not in done.stdout:
        pytest.skip(f"no way to make a small disk: {done.stderr.strip()}")
    *full, built = done.stdout.split("ended with ")[1:]
    assert [each.split("\n")[0] for each in full] == ["3, left .lock *"] * len(sizes)
    said = [each for each in done.stdout.splitlines() if "the disk is full while " in each]
    assert len(said) == len(sizes), done.stdout
    assert "Traceback" not in done.stdout
    assert built == "0, left .lock tiny\n"
    require_nothing_half(room, whole)
    assert room.artifact == whole.artifact
