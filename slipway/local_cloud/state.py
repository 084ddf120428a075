"""What a running cloud leaves on disk, so that others find it and nobody mistakes a dead one for it."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "state.json"
_CLOCK_SECONDS = 5.0  # the system's clock may have been set meanwhile


@dataclass(frozen=True)
class State:
    """One emulator process.

    Args:
        started: When the operating system made the process, in seconds since the epoch: a pid alone is reused.
        inode: Of the state folder: a copy of the project must not take the cloud for its own.
    """

    port: int
    pid: int
    started: float
    inode: int

    @classmethod
    def of_process(cls, port: int, pid: int, folder: Path) -> State:
        """Return the state of a process that runs now."""
        return cls(port, pid, psutil.Process(pid).create_time(), folder.stat().st_ino)

    def belongs_to(self, folder: Path) -> bool:
        """Tell whether this is what a cloud wrote into that very folder."""
        numbers = (self.port, self.pid, self.inode)
        sound = all(type(number) is int and number > 0 for number in numbers) and type(self.started) is float
        return sound and self.inode == folder.stat().st_ino

    def alive(self) -> bool:
        """Tell whether that very process still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(float(process.create_time()) - self.started) < _CLOCK_SECONDS
            return same and bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False


def clouds_folder(project: Path) -> Path:
    """Return where the clouds of a project keep their state, one folder for each port."""
    return project / ".slipway" / "clouds"


def write(folder: Path, state: State) -> None:
    """Record a running cloud, whole or not at all."""
    draft = folder / f"{_FILE}.{os.getpid()}"
    draft.write_text(json.dumps(asdict(state)))
    draft.replace(folder / _FILE)


def read(folder: Path) -> State | None:
    """Return what is recorded, None where nothing readable is."""
    try:
        found = State(**json.loads((folder / _FILE).read_text()))
        return found if found.belongs_to(folder) else None
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def remove(folder: Path) -> None:
    """Forget a cloud and its models; its logs stay."""
    (folder / _FILE).unlink(missing_ok=True)
    for name in ("models", "tmp"):
        shutil.rmtree(folder / name, ignore_errors=True)
