"""Build models side by side, as many as fit into memory; each is measured alone."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from model_build.child import Child
from model_build.digest import digest
from model_build.endings import host_error
from model_build.job import Job, log_file
from model_build.machine import cores
from model_build.memory import Peaks, available_bytes, waves
from model_build.progress import BUILT
from model_build.store import Store
from model_build.targets import recipes, step_count
from slipway.specs import Problem, Project, SlipwayError, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_build.progress import Progress
    from slipway.specs import Manifest

    Fetch = Callable[[Project, str], None]

T = TypeVar("T")

WAIT = "wait"
"""The step of a proved model whose turn to be measured has not come."""


class SideBySide:
    """Builds models, each in a child of its own.

    Args:
        project: Where the models are.
        progress: Hears what happens.
        force: Whether to search anew, whatever an earlier search found.
        load_timeout_seconds: How long a source may take, and the model to answer its own data.
        fetch: Brings a source that is far; None where nobody does.
    """

    def __init__(
        self, project: Project, progress: Progress, *, force: bool, load_timeout_seconds: float, fetch: Fetch | None
    ) -> None:
        self._project, self._progress, self._force = project, progress, force
        self._timeout, self._fetch, self._peaks = load_timeout_seconds, fetch, Peaks(project)
        self.store = Store(project)
        self.errors: dict[str, SlipwayError] = {}

    def build(self, missing: dict[str, str]) -> dict[str, Manifest]:
        """Build these, by the digests that they are to have; return those that were, and keep the others' errors."""
        built: dict[str, Manifest] = {}
        needs = self._peaks.needs([name for name in missing if self._is_fetched(name)])
        for names in waves(needs, available_bytes(), _at_once()):
            wave = {name: missing[name] for name in names}
            with ExitStack() as stack:
                builds = [stack.enter_context(self._one(name, it, len(wave))) for name, it in wave.items()]
                self._prove(builds)
                for one in builds:  # one at a time: they are measured
                    manifest = None if one.name in self.errors else self._attempt(one.name, partial(self._finish, one))
                    if manifest is not None:
                        built[one.name] = manifest
        return built

    def _is_fetched(self, name: str) -> bool:
        if self._fetch is not None and self._project.source_of(name)[1].is_far:
            self._attempt(name, partial(self._fetch, self._project, name))
        return name not in self.errors

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
        self.store.put(built, one.name, one.digest)
        self._progress.finish(one.name, BUILT)
        return self.store.find(one.name, one.digest)

    def _require_unchanged(self, name: str, built: str) -> None:
        """Refuse what was built of other files than those that name it: the child read them after they were hashed."""
        if digest(Project(self._project.root), name) != built:
            message = f"changed while it was being built: run `slipway build {name}` again"
            raise SpecError([Problem(f"models/{name}", 0, "", message)])

    @contextmanager
    def _one(self, name: str, digest: str, beside: int) -> Iterator[_Build]:
        if self.store.is_damaged(name, digest):
            self._progress.notice(f"{name}: the artifact {digest[:12]} is damaged and is built again")
        scratch = self.store.scratch(name)
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
            self.errors[name] = error
        except OSError as error:
            self.errors[name] = host_error(error)
        self._progress.finish(name, "failed")
        return None


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


def _at_once() -> int:
    """Return how many models are built side by side at most: a build has steps that keep one core busy."""
    return max(2, cores() // 2)
