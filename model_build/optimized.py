"""What an optimization job made of an artifact, in ``artifacts.lock``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_build.store import Store, write_if_changed
from slipway.specs import Lock, Project

if TYPE_CHECKING:
    from slipway.specs.optimized import Optimized


def is_optimized(project: Project, name: str) -> bool:
    """Tell whether the lock says of a model what its spec asks; a spec that asks nothing wants nothing there."""
    locked, asked = project.lock.models.get(name), project.models[name].cloud_job
    if locked is None:
        return asked is None
    made = None if locked.optimized is None else locked.optimized.settings
    return made == (None if asked is None else asked.settings(locked.digest))


def record(project: Project, name: str, digest: str, made: Optimized | None) -> None:
    """Write what was made of an artifact into the lock, unless the lock has another artifact by now.

    Args:
        project: Whose.
        name: Of the model.
        digest: Of the artifact.
        made: Of it; None takes back what the lock says.
    """
    with Store(project).lock(lambda: None):
        lock = Project(project.root).lock
        locked = lock.models.get(name)
        if locked is not None and locked.digest == digest:
            models = {**lock.models, name: locked.model_copy(update={"optimized": made})}
            write_if_changed(project.lock_file, Lock(models=models).text())
    project.__dict__.pop("lock", None)  # the caller's project must read it anew
