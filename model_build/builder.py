"""Build models: find what is missing, have it built, and record all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_build.cache import tidy
from model_build.digest import digest
from model_build.endings import interruptible, together
from model_build.gpu_machine import elsewhere
from model_build.job import LOAD_TIMEOUT_SECONDS
from model_build.progress import Silent
from model_build.results import BuildResult
from model_build.side_by_side import SideBySide
from model_build.store import write_if_changed
from slipway.specs import (
    HostError,
    Lock,
    LockedModel,
    Manifest,
    Project,
    SpecError,
    UsageError,
)
from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from model_build.progress import Progress
    from model_build.side_by_side import Fetch

LARGE_BYTES = 10_000_000_000
"""A cache of so many bytes is worth a line."""


def build(
    project: Project,
    names: Sequence[str] | None = None,
    *,
    force: bool = False,
    progress: Progress | None = None,
    load_timeout_seconds: float = LOAD_TIMEOUT_SECONDS,
    fetch: Fetch | None = None,
    report: Path | None = None,
) -> list[BuildResult]:
    """Build every named model whose artifact is not here, and record all of them in ``artifacts.lock``.

    What can be built is built and recorded before anything is raised; ``.slipway/build.html`` shows it.

    Args:
        project: Where the models are.
        names: Which. Default: all of them.
        force: Build again what is here already, and record its figures anew.
        progress: Hears what happens. Default: nobody does.
        load_timeout_seconds: How long a source may take to return its model, and the model to answer its own data.
        fetch: Brings what a model's source names in S3 or a registry under ``.slipway/sources/``, if it is not there.
            Default: nobody does; a source that is not there is refused.
        report: File to write a page on all the named models into, built now or before.
            Default: none.

    Raises:
        GateError: If a model did not pass its gate; it has no artifact.
        SpecError: If a spec or a source is wrong.
        UsageError: If a name is not a model's.
        HostError: If the machine cannot: something is not installed, the disk is full, a build was killed.
        InterruptedByUser: On Ctrl-C or SIGTERM; nothing half-built is left.
    """
    wanted = _wanted(project, names)
    with interruptible():
        makers = SideBySide(
            project, progress or Silent(), force=force, load_timeout_seconds=load_timeout_seconds, fetch=fetch
        )
        return _Run(project, progress or Silent(), makers, force=force).all(wanted, report)


class _Run:
    """One call of `build`."""

    def __init__(self, project: Project, progress: Progress, makers: SideBySide, *, force: bool) -> None:
        self._project, self._progress, self._makers, self._force = project, progress, makers, force
        self._store, self._errors = makers.store, makers.errors
        self._sources: dict[str, str] = {}

    def all(self, names: Sequence[str], report: Path | None) -> list[BuildResult]:
        self._project.__dict__.pop("lock", None)  # somebody may have built since the caller read it
        digests = self._digests(names)
        present = {} if self._force else self._present(digests)
        built: dict[str, Manifest] = {}
        if len(present) < len(digests) or not self._is_recorded(digests, present):
            with self._store.lock(lambda: self._progress.notice("waiting for another build of this project")):
                present = {} if self._force else self._present(digests)  # it may have built what is wanted here
                missing = {name: it for name, it in digests.items() if name not in present}
                built = self._makers.build(self._here(missing))
                self._record({**present, **built})
                self._tell_of_the_cache()
        found = {**present, **built}
        self._show(found, report, built=len(built) > 0)
        if self._errors:
            raise together(list(self._errors.values()))
        return [BuildResult.from_manifest(found[name], built=name in built) for name in digests]

    def _show(self, found: dict[str, Manifest], report: Path | None, *, built: bool) -> None:
        """Write the page of this build; one that built nothing has nothing new to show, unless it is asked to."""
        own = (self._project.root / ".slipway" / "build.html",) if built else ()
        targets = own if report is None else (*own, report)
        if targets and found:
            from model_build.report import build_page

            page = build_page(list(found.values()))
            for target in targets:
                target.parent.mkdir(parents=True, exist_ok=True)
                write_if_changed(target, page)

    def _tell_of_the_cache(self) -> None:
        size = tidy(self._project.root / ".slipway" / "cache", self._project.models.keys())
        if size > LARGE_BYTES:
            mend = "`rm -r .slipway/cache` gives the space back, and the next search begins anew"
            self._progress.notice(f".slipway/cache holds {size / 1e9:.1f} GB: {mend}")

    def _digests(self, names: Sequence[str]) -> dict[str, str]:
        found = {}
        for name in names:
            try:
                self._sources[name] = self._project.sources_hash(name)
                found[name] = self._digest(name, self._sources[name])
            except SpecError as error:  # the other models are built all the same
                self._errors[name] = error
        return found

    def _digest(self, name: str, sources: str) -> str:
        """Return what names the artifact; where it cannot be made, what was made of the same sources stands."""
        locked, current = self._project.lock.models.get(name), digest(self._project, name, sources)
        if self._force or locked is None or elsewhere(name, self._project.models[name]) is None:
            return current
        stands = locked.sources == sources and self._store.find(name, locked.digest) is not None
        return locked.digest if stands else current

    def _here(self, missing: dict[str, str]) -> dict[str, str]:
        """Return those that this machine can prove; the others' errors are kept for later."""
        for name in missing:
            reason = elsewhere(name, self._project.models[name])
            if reason is not None:
                self._errors[name] = HostError(reason)
        return {name: it for name, it in missing.items() if name not in self._errors}

    def _present(self, digests: dict[str, str]) -> dict[str, Manifest]:
        found = {name: self._store.find(name, it) for name, it in digests.items()}
        return {name: manifest for name, manifest in found.items() if manifest is not None}

    def _is_recorded(self, digests: dict[str, str], present: dict[str, Manifest]) -> bool:
        """Tell whether the lock says the same as the artifacts, without taking the builds' own lock for it."""
        locked = self._project.lock.models
        if not locked.keys() <= self._project.models.keys():
            return False  # a model was removed, and its entry goes with it
        return all(name in locked and self._same(locked[name], present[name]) for name in digests)

    def _record(self, manifests: dict[str, Manifest]) -> None:
        """Write the lock; figures of an artifact that is the same, byte for byte, stay, unless asked anew."""
        lock = Project(self._project.root).lock
        changed = {
            name: LockedModel.from_manifest(
                manifest, self._sources[name], self._store.location(name, manifest.served.digest)
            )
            for name, manifest in manifests.items()
            if self._force or name not in lock.models or not self._same(lock.models[name], manifest)
        }
        kept = {name: entry for name, entry in lock.models.items() if name in self._project.models}
        write_if_changed(self._project.lock_file, Lock(models={**kept, **changed}).text())
        self._project.__dict__.pop("lock", None)  # the caller's project must read it anew

    def _same(self, locked: LockedModel, manifest: Manifest) -> bool:
        """Tell whether the lock says of an artifact what it is and where."""
        served = manifest.served
        is_ = (served.digest, manifest.archive, self._store.location(served.name, served.digest))
        return (locked.digest, locked.archive, locked.location) == is_


def _wanted(project: Project, names: Sequence[str] | None) -> list[str]:
    """Return the models to build, each once, in the order that was asked for."""
    models = project.models
    if names is None:
        return sorted(models)
    for name in names:
        if name not in models:
            known = ", ".join(models) or "none: write models/<name>/model.yaml"
            raise UsageError(f"models/{name}/model.yaml does not exist{did_you_mean(name, models)} (known: {known})")
    return list(dict.fromkeys(names))
