"""An artifact that another machine built: fetched, checked, and put where one of this machine would lie."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from model_build.endings import interruptible
from model_build.store import Store
from slipway.specs import HostError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slipway.specs import Project


def take(project: Project, name: str, digest: str, fetch: Callable[[Path], None]) -> None:
    """Put an artifact in its place, all of it or nothing; the next build finds it there and records it.

    Args:
        project: Whose.
        name: Of the model.
        digest: Of the artifact.
        fetch: Writes it into a folder that it makes.

    Raises:
        HostError: If what was fetched is not that artifact, or the machine cannot hold it.
        InterruptedByUser: On Ctrl-C or SIGTERM; nothing half-fetched is left.
    """
    store = Store(project)
    with interruptible(), store.lock(lambda: None):
        scratch = store.scratch(name)
        try:
            fetch(scratch / "artifact")
            store.put(scratch / "artifact", name, digest)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    if store.find(name, digest) is None:
        raise HostError(f"{name}: what was fetched is not the artifact {digest[:12]}: build it again")


def is_here(project: Project, name: str, digest: str) -> bool:
    """Tell whether an artifact is on this machine and whole, or is known to stay where it is."""
    return Store(project).find(name, digest) is not None
