"""What a build for a GPU would do, as far as a machine without one can."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import TypeAdapter

from model_build.child import Child
from model_build.endings import interruptible
from model_build.job import LOAD_TIMEOUT_SECONDS, Job, log_file
from model_build.machine import cores
from model_build.store import Store
from slipway.specs import GateError, UsageError
from slipway.specs.base import Name, Spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_build.progress import Progress
    from model_build.side_by_side import Fetch
    from slipway.specs import Project


class Rehearsed(Spec):
    """What came of one recipe."""

    recipe: str
    outcome: Literal["compiled", "proved", "refused", "unfit"]
    """``proved``: its graph passes the gate on the processor, and no engine was made of it; ``compiled``: one was.
    ``refused`` by the gate. ``unfit``: no engine can be made of this model for this GPU."""
    reason: str = ""
    """Why it got no further."""
    value: float | None = None
    """The metric of the typed graph, computed on the processor."""
    bound: float | None = None
    """What that is at least with 95 % confidence."""
    engine: str = ""
    """Name of the compiled file."""
    size_bytes: int | None = None
    """Of it."""
    sha256: str = ""
    """Of it."""
    seconds: float | None = None
    """To compile it."""


class Rehearsal(Spec):
    """One model's. It is no proof: no GPU has run anything, and there is no artifact."""

    name: Name
    sm: int
    tried: tuple[Rehearsed, ...]

    @property
    def passed(self) -> bool:
        """Whether something is left that a GPU could be asked to prove."""
        return any(each.outcome in ("compiled", "proved") for each in self.tried)


def rehearse(
    project: Project,
    names: Sequence[str] | None,
    progress: Progress,
    load_timeout_seconds: float = LOAD_TIMEOUT_SECONDS,
    fetch: Fetch | None = None,
) -> list[Rehearsal]:
    """Make the graph of every recipe, judge it on the processor and compile it where a compiler is here.

    Args:
        project: Where the models are.
        names: Which. Default: all of ``target: gpu``.
        progress: Hears what happens.
        load_timeout_seconds: How long a source may take to return its model.
        fetch: Brings what a model's source names in S3 or a registry; see ``build``.

    Raises:
        UsageError: If a name is not that of a model with ``target: gpu``.
        GateError: If no recipe of a model passes its gate.
        SlipwayError: As from ``build``.
    """
    models = project.models
    wanted = sorted(name for name, spec in models.items() if spec.gpu is not None) if names is None else list(names)
    others = [name for name in wanted if name not in models or models[name].gpu is None]
    if others or not wanted:
        which = f"'{others[0]}' is" if others else "there is"
        raise UsageError(f"{which} no model with 'target: gpu': only those are rehearsed, the others are built")
    with interruptible(), Store(project).lock(lambda: progress.notice("waiting for another build of this project")):
        for name in wanted:
            if fetch is not None and project.source_of(name)[1].is_far:
                fetch(project, name)
        found = [_one(project, name, progress, load_timeout_seconds) for name in wanted]
    if failed := [each for each in found if not each.passed]:
        reasons = [f"{each.name}: {it.recipe}: {it.reason}" for each in failed for it in each.tried]
        raise GateError("no recipe is left to prove on a GPU\n  " + "\n  ".join(reasons))
    return found


def _one(project: Project, name: str, progress: Progress, load_timeout_seconds: float) -> Rehearsal:
    from model_build.targets import recipes

    spec = project.models[name]
    with tempfile.TemporaryDirectory(prefix="slipway-") as scratch:
        job = Job(
            root=str(project.root),
            name=name,
            digest="0" * 64,
            scratch=scratch,
            load_timeout_seconds=load_timeout_seconds,
            rehearse=True,
        )
        progress.begin(name, len(recipes(spec)) + 1)
        child = Child(job, log_file(project, name, "build"), threads=cores())
        try:
            file = Path(child.until("done", lambda step: progress.step(name, step)).text)
        finally:
            child.end()
        tried = TypeAdapter(tuple[Rehearsed, ...]).validate_json(file.read_bytes())
    progress.finish(name, "rehearsed")
    assert spec.gpu is not None  # noqa: S101  refused above otherwise
    return Rehearsal(name=name, sm=spec.gpu.architecture, tried=tried)
