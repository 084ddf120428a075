"""How many models fit into the memory there is."""

from __future__ import annotations

import json
import resource
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slipway.specs import Project

BASE_BYTES: Final = 1_500_000_000
"""Of a build child with PyTorch, OpenVINO and NNCF in it, whatever the model."""
TIMES: Final = 4
"""How often the source's files are in memory at the peak, until a build has told its own (measured: 2.8 at 1.4 GB)."""
CGROUP: Final = Path("/sys/fs/cgroup")


def available_bytes() -> int:
    """Return what may be taken without pushing anything out: the machine's, or less where a container is given less."""
    import psutil

    machine = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):  # no such file, or the word "max"
        limit = int((CGROUP / "memory.max").read_text()) - int((CGROUP / "memory.current").read_text())
        return max(0, min(machine, limit))
    return machine


def limit_memory() -> None:
    """Let this process have what is free now and no more, so that it fails, and nothing else on the machine does.

    Should it be the system that ends something, let it be this process.
    """
    most = available_bytes()
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    with suppress(OSError):  # not Linux
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def peak_bytes(process: int | Literal["self"] = "self") -> int | None:
    """Return the most memory that a process has had so far; None where the system does not say.

    Not ``ru_maxrss``, which begins with what the parent had when it forked.
    """
    with suppress(OSError):
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)
    return None


def waves(needs: Mapping[str, int], available: int, at_once: int) -> list[list[str]]:
    """Return which models are built side by side, in the order given; one that fits nowhere is built alone.

    Args:
        needs: Bytes of each model's build at its peak.
        available: Bytes that all of a wave share.
        at_once: Most models of a wave.
    """
    found: list[list[str]] = []
    room = 0
    for name, need in needs.items():
        if not found or len(found[-1]) == at_once or need > room:
            found.append([])
            room = available
        found[-1].append(name)
        room -= need
    return found


class Peaks:
    """What builds needed, in ``.slipway/peaks.json``: the best guess at what they will need.

    Args:
        project: Whose.
    """

    def __init__(self, project: Project) -> None:
        self._project, self._file = project, project.root / ".slipway" / "peaks.json"

    def needs(self, names: Sequence[str]) -> dict[str, int]:
        """Return a guess for each model: its last peak, or what its files' size tells."""
        known = self._read()
        return {name: known.get(name) or BASE_BYTES + TIMES * self._size(name) for name in names}

    def note(self, name: str, peak: int) -> None:
        """Remember a build's peak; where that cannot be written, the next guess is as good as this one was."""
        if peak > 0:
            with suppress(OSError):
                self._file.parent.mkdir(exist_ok=True)
                self._file.write_text(json.dumps({**self._read(), name: peak}, sort_keys=True), encoding="utf-8")

    def _size(self, name: str) -> int:
        folder, _ = self._project.source_of(name)
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    def _read(self) -> dict[str, int]:
        try:
            known = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        entries = known.items() if isinstance(known, dict) else ()
        return {name: peak for name, peak in entries if isinstance(peak, int) and peak > 0}
