"""Build models: what is missing, as many at a time as fit into memory, measured one at a time."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from model_build.cache import tidy
from model_build.child import Child
from model_build.digest import digest
from model_build.endings import host_error, interruptible, together
from model_build.gpu_machine import elsewhere
from model_build.job import Job
from model_build.memory import Peaks, available_bytes, waves
from model_build.progress import BUILT, Silent
from model_build.results import BuildResult
from model_build.store import Store, write_if_changed
from model_build.targets import recipes, step_count
from slipway.specs import (
    HostError,
    Lock,
    LockedModel,
    Manifest,
    Problem,
    Project,
    SlipwayError,
    SpecError,
    UsageError,
)
from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from model_build.progress import Progress

    Fetch = Callable[[Project, str], None]

T = TypeVar("T")

WAIT = "wait"
"""The step of a proved model whose turn to be measured has not come."""
LOAD_TIMEOUT_SECONDS = 900.0
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
        run = _Run(project, progress or Silent(), load_timeout_seconds, fetch)
        return run.all(wanted, force=force, report=report)


class _Run:
    """One call of `build`."""

    def __init__(self, project: Project, progress: Progress, load_timeout_seconds: float, fetch: Fetch | None) -> None:
        self._project, self._progress, self._timeout = project, progress, load_timeout_seconds
        self._fetch, self._peaks = fetch, Peaks(project)
        self._store = Store(project)
        self._errors: dict[str, SlipwayError] = {}
        self._sources: dict[str, str] = {}
        self._force = False

    def all(self, names: Sequence[str], *, force: bool, report: Path | None) -> list[BuildResult]:
        self._force = force
        self._project.__dict__.pop("lock", None)  # somebody may have built since the caller read it
        digests = self._digests(names)
        present = {} if force else self._present(digests)
        built: dict[str, Manifest] = {}
        if len(present) < len(digests) or not self._is_recorded(digests, present):
            with self._store.lock(lambda: self._progress.notice("waiting for another build of this project")):
                present = {} if force else self._present(digests)  # it may have built what is wanted here
                missing = {name: it for name, it in digests.items() if name not in present}
                built = self._build(self._here(missing))
                self._record({**present, **built}, anew=force)
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

    def _build(self, missing: dict[str, str]) -> dict[str, Manifest]:
        built: dict[str, Manifest] = {}
        needs = self._peaks.needs([name for name in missing if self._is_fetched(name)])
        for names in waves(needs, available_bytes(), at_once()):
            wave = {name: missing[name] for name in names}
            with ExitStack() as stack:
                builds = [stack.enter_context(self._one(name, it, len(wave))) for name, it in wave.items()]
                self._prove(builds)
                for one in builds:  # one at a time: they are measured
                    manifest = None if one.name in self._errors else self._attempt(one.name, partial(self._finish, one))
                    if manifest is not None:
                        built[one.name] = manifest
        return built

    def _is_fetched(self, name: str) -> bool:
        if self._fetch is not None and self._project.source_of(name)[1].is_far:
            self._attempt(name, partial(self._fetch, self._project, name))
        return name not in self._errors

    def _prove(self, builds: list[_Build]) -> None:
        with ThreadPoolExecutor(len(builds)) as threads:
            pending = {threads.submit(one.prove): one for one in builds}
            try:
                for future, one in pending.items():
                    self._attempt(one.name, future.result)
            except BaseException:
                for one in builds:  # or the threads would wait for them
                    one.child.end()
                raise

    def _finish(self, one: _Build) -> Manifest | None:
        built = one.finish()
        self._require_unchanged(one.name, one.digest)
        self._store.put(built, one.name, one.digest)
        self._progress.finish(one.name, BUILT)
        return self._store.find(one.name, one.digest)

    def _require_unchanged(self, name: str, built: str) -> None:
        """Refuse what was built of other files than those that name it: the child read them after they were hashed."""
        if digest(Project(self._project.root), name) != built:
            message = f"changed while it was being built: run `slipway build {name}` again"
            raise SpecError([Problem(f"models/{name}", 0, "", message)])

    @contextmanager
    def _one(self, name: str, digest: str, beside: int) -> Iterator[_Build]:
        if self._store.is_damaged(name, digest):
            self._progress.notice(f"{name}: the artifact {digest[:12]} is damaged and is built again")
        scratch = self._store.scratch(name)
        child = None
        try:
            job = self._job(name, digest, scratch)
            child = Child(job, log_file(self._project, name, "build"), threads=max(1, cores() // beside))
            self._progress.begin(name, step_count(self._project.models[name]) + 1)
            yield _Build(name, digest, child, self._progress)
        finally:
            if child is not None:
                child.end()
                self._peaks.note(name, child.peak_bytes)
            shutil.rmtree(scratch, ignore_errors=True)

    def _job(self, name: str, digest: str, scratch: Path) -> Job:
        return Job(
            root=str(self._project.root),
            name=name,
            digest=digest,
            scratch=str(scratch),
            load_timeout_seconds=self._timeout,
            chosen=None if self._force else self._chosen(name, digest),
        )

    def _chosen(self, name: str, digest: str) -> str | None:
        """Return what an earlier search of the same found: two machines that build one digest build one artifact."""
        locked = self._project.lock.models.get(name)
        same = locked is not None and locked.digest == digest
        known = {recipe.name for recipe in recipes(self._project.models[name])}
        return locked.chosen if same and locked is not None and locked.chosen in known else None

    def _attempt(self, name: str, action: Callable[[], T]) -> T | None:
        """Keep an error for later: the other models are built all the same."""
        try:
            return action()
        except SlipwayError as error:
            self._errors[name] = error
        except OSError as error:
            self._errors[name] = host_error(error)
        self._progress.finish(name, "failed")
        return None

    def _record(self, manifests: dict[str, Manifest], *, anew: bool) -> None:
        """Write the lock; figures of an artifact that is the same, byte for byte, stay, unless asked anew."""
        lock = Project(self._project.root).lock
        changed = {
            name: LockedModel.from_manifest(
                manifest, self._sources[name], self._store.location(name, manifest.served.digest)
            )
            for name, manifest in manifests.items()
            if anew or name not in lock.models or not self._same(lock.models[name], manifest)
        }
        kept = {name: entry for name, entry in lock.models.items() if name in self._project.models}
        write_if_changed(self._project.lock_file, Lock(models={**kept, **changed}).text())
        self._project.__dict__.pop("lock", None)  # the caller's project must read it anew

    def _same(self, locked: LockedModel, manifest: Manifest) -> bool:
        """Tell whether the lock says of an artifact what it is and where."""
        served = manifest.served
        is_ = (served.digest, manifest.archive, self._store.location(served.name, served.digest))
        return (locked.digest, locked.archive, locked.location) == is_


class _Build:
    """One model and its child."""

    def __init__(self, name: str, digest: str, child: Child, progress: Progress) -> None:
        self.name, self.digest, self.child = name, digest, child
        self._progress = progress

    def prove(self) -> None:
        self.child.until("proved", self._step, self._note)
        self._progress.step(self.name, WAIT)

    def finish(self) -> Path:
        self.child.go_on()
        return Path(self.child.until("done", self._step).text)

    def _step(self, step: str) -> None:
        self._progress.step(self.name, step)

    def _note(self, text: str) -> None:
        self._progress.note(self.name, text)


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


def log_file(project: Project, name: str, what: str) -> Path:
    """Return where a child's own words go."""
    return project.root / ".slipway" / "logs" / f"{what}-{name}.log"


def at_once() -> int:
    """Return how many models are built side by side at most: a build has steps that keep one core busy."""
    return max(2, cores() // 2)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
