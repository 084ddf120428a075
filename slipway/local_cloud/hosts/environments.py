"""Virtual environments for servers of others, which would not stand together in the project's own."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import sysconfig
import time
import venv
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[3]
FOLDER = PROJECT / ".slipway" / "servers"
_PROJECT: Final = "project.pth"


class EnvironmentFailureError(Exception):
    """An environment could not be made; says why, and that nothing of it is left."""


def environment(name: str, *, over_project: bool = False, project: Path = PROJECT, folder: Path = FOLDER) -> Path:
    """Return the virtual environment of a server, made when it is first asked for.

    Made from ``containers/<name>/requirements*.txt`` and ``tests/servers/requirements-<name>.txt``, whichever there
    are. They hold the whole closure: what is not in them is not in the environment. Other processes that ask for the
    same one wait until it is there.

    Args:
        name: Of the server.
        over_project: Whether it finds the packages of the project's own environment (torch, onnxruntime) where it has
            none of its own: seconds and megabytes instead of minutes and gigabytes.
        project: Where the requirements are.
        folder: Where environments are kept.

    Raises:
        EnvironmentFailureError: If no file says what belongs into it, pip refuses, or the disk is full.
    """
    files = [*sorted(project.glob(f"containers/{name}/requirements*.txt"))]
    files += project.glob(f"tests/servers/requirements-{name}.txt")
    if len(files) == 0:
        raise EnvironmentFailureError(f"{name}: no requirements in containers/{name} or tests/servers")
    said = f"{sys.version} {over_project}".encode() + b"".join(file.read_bytes() for file in files)
    made = folder / f"{name}-{hashlib.sha256(said).hexdigest()[:12]}"
    if made.is_dir():
        return made
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / f"{name}.lock") as lock:
            if not made.is_dir():
                _make(name, files, made, lock, over_project=over_project)
    except OSError as error:
        raise EnvironmentFailureError(f"{name}: {folder}: {error.strerror or error}") from error
    return made


def layer(made: Path, folder: Path) -> Path:
    """Return the environment that one container has over its server's, where it may install what nobody else shall see.

    Args:
        made: What `environment` returned.
        folder: Where it lies, or will lie.
    """
    if folder.is_dir():
        return folder
    own = Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    beyond = made / own / _PROJECT
    paths = [str(made / own), *(beyond.read_text(encoding="utf-8").splitlines() if beyond.is_file() else ())]
    venv.create(folder, symlinks=True)
    (folder / own / "server.pth").write_text("\n".join(paths) + "\n", encoding="utf-8")
    return folder


@contextmanager
def _alone(path: Path) -> Iterator[int]:
    """Yield the lock; whoever inherits it holds it too, such as a pip that outlives its parent and goes on writing."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go by the system, however this process ends
        yield lock.fileno()


def _make(name: str, files: list[Path], made: Path, lock: int, *, over_project: bool) -> None:
    began = time.monotonic()
    _say(f"making the environment of {name}, once")
    part = made.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)  # of a process that was killed
    try:
        _run(name, [sys.executable, "-m", "venv", "--without-pip", str(part)], lock)
        asked = [argument for file in files for argument in ("--requirement", str(file))]
        _run(name, [sys.executable, "-m", "pip", "--python", str(part), "install", "--no-deps", *asked], lock)
        if over_project:
            _look_further(part)
        _rename_in_scripts(part, made)
        part.rename(made)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    _say(f"made the environment of {name} in {time.monotonic() - began:.0f} s")


def _run(name: str, command: list[str], lock: int) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, pass_fds=[lock])  # noqa: S603  our own
    if done.returncode == 0:
        return
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    if any("No space left on device" in line for line in lines):
        raise EnvironmentFailureError(f"{name}: the disk is full; nothing of the environment is left")
    told = [line for line in lines if line.startswith("ERROR:")] or lines[-3:]
    raise EnvironmentFailureError(f"{name}: {command[2]} ended with {done.returncode}: {' '.join(told)}")


def _look_further(part: Path) -> None:
    """Let it find the project's packages after its own: .pth appends a path, whose own .pth files are not read."""
    own = Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    (part / own / _PROJECT).write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")


def _rename_in_scripts(part: Path, made: Path) -> None:
    """Let the scripts find their Python where it will be."""
    for script in (part / "bin").iterdir():
        if script.is_symlink() or not script.is_file():
            continue
        content = script.read_bytes()
        if str(part).encode() in content:
            script.write_bytes(content.replace(str(part).encode(), str(made).encode()))


def _say(message: str) -> None:
    sys.stderr.write(f"servers: {message}\n")
    sys.stderr.flush()
