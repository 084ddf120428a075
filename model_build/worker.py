"""The child process that builds one model.

A process of its own, because a source is a stranger's code: it may print, exit, hang, crash or eat all memory, and none
of that may reach the caller. Its standard output and error go to a log file, its events to a pipe of their own.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event as Signal
from threading import Thread
from typing import IO, TYPE_CHECKING

import numpy as np
import orjson

from model_build.cache import Cache
from model_build.digest import versions
from model_build.job import GO, Event, Job
from model_build.memory import limit_memory, peak_bytes
from model_build.passes.load import DISK_FULL, Blame, Load, deadline, load_original
from model_build.passes.verify import Verify
from model_build.search import Search
from model_build.targets import finishing_passes, is_search, recipes
from model_build.tasks import TASKS
from model_build.trial import Trial
from model_build.work import ShapingError, Work
from slipway.specs import SHRINKING, HostError, Problem, Project, SlipwayError, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_build.work import Pass

LATE = 70
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
NO_MEMORY = ("can't allocate memory", "Cannot allocate memory", "bad_alloc", "bad allocation")
"""How PyTorch, the system, and C++ libraries say it."""


def main(job_file: str, event_handle: str) -> int:
    """Do the job; every outcome but a crash is told as an event."""
    job = Job.read(Path(job_file))
    limit_memory()
    with os.fdopen(int(event_handle), "w", buffering=1) as events:
        worker = Worker(job, events)
        try:
            worker.do()
        except BaseException as error:  # noqa: BLE001  told to the parent, which raises it
            with suppress(OSError):  # the log may lie on the very disk that is full
                traceback.print_exc()
            worker.tell(worker.event_for(error))
            return 1
    return 0


class Worker:
    """Runs the passes and says so.

    Args:
        job: What to do.
        events: Where to say it.
    """

    def __init__(self, job: Job, events: IO[str]) -> None:
        self._job, self._events = job, events
        self._project = Project(Path(job.root))
        self._step = "read"
        self._folder, source = self._project.source_of(job.name)
        self._source = source.python or ""
        self._log = f".slipway/logs/build-{job.name}.log"
        self._spec = self._project.models[job.name]
        self._may_go_on = Leash()

    def tell(self, event: Event) -> None:
        """Send one event."""
        self._events.write(replace(event, peak_bytes=peak_bytes()).line())
        self._events.flush()

    def do(self) -> None:
        """Do what the job says."""
        if self._job.samples is not None:
            self.answer(self._job.samples)
        elif self._job.rehearse:
            self.rehearse()
        else:
            self.build()

    def build(self) -> None:
        """Build up to the proof, wait for the word, measure and pack."""
        work = self._questioned()
        cache = self._cache(work)
        search = self._search(cache)
        search.shape(work)
        self.tell(Event("proved"))
        self._may_go_on.wait()
        work = search.choose(work)
        for step in finishing_passes():
            work = self._run(step, work)
        cache.sweep()
        self.tell(Event("done", str(work.artifact)))

    def rehearse(self) -> None:
        """Do what a build for a GPU does up to its engine, and write down what came of it."""
        work = self._questioned()
        rows = Trial(recipes(self._spec), self._cache(work), self._say).run(work)
        file = work.scratch / "rehearsed.json"
        file.write_bytes(orjson.dumps([row.model_dump(mode="json") for row in rows]))
        self.tell(Event("done", str(file)))

    def _questioned(self) -> Work:
        """Load the original and let it answer: a source may take long for either, and for nothing else."""
        self._say(Load.name)
        work = self._work()
        with standard_streams(), self._deadline():
            work = Load().run(work)
        with self._deadline():
            return Verify().questioned(work)

    def _deadline(self) -> AbstractContextManager[None]:
        return deadline(self._job.load_timeout_seconds, self._blame(), self._end_late)

    def _work(self) -> Work:
        work = Work.begin(self._project, self._job.name, Path(self._job.scratch), digest=self._job.digest)
        return replace(work, versions=versions(self._project, work.name), tell=self._note)

    def _cache(self, work: Work) -> Cache:
        origin = {"files": self._project.files_hash(work.name), "task": work.spec.task, "versions": work.versions}
        return Cache(self._project.root / ".slipway" / "cache" / work.name, origin, self._on_pass)

    def _search(self, cache: Cache) -> Search:
        offered = recipes(self._spec)
        chosen = tuple(recipe for recipe in offered if recipe.name == self._job.chosen)
        return Search(self._spec, chosen or offered, cache, self._say)

    def _on_pass(self, name: str) -> None:
        self._step = name  # whom to blame
        if not is_search(self._spec):
            self._say(name)

    def _note(self, text: str) -> None:
        """Tell how far a long step is, and keep it in the log."""
        print(f"{self._step}: {text}", flush=True)  # noqa: T201  this process's output is its log
        self.tell(Event("note", text))

    def _say(self, step: str) -> None:
        self._step = step
        self.tell(Event("step", step))

    def answer(self, count: int) -> None:
        """Let the untouched original answer the job's inputs or its own data, taken evenly over all of it."""
        self._step = Load.name
        work, task_class = self._work(), TASKS[self._spec.task]
        with self._deadline():
            original = load_original(work.source_folder, work.source, task_class.returns, work.origin)
        if self._job.inputs is None:
            every = task_class(original).samples(work.spec, work.source_folder).inputs
        else:
            every = orjson.loads(Path(self._job.inputs).read_bytes())
        inputs = every[:: max(1, len(every) // count)][:count]
        with self._deadline():
            answers = np.asarray(original.reference(inputs), dtype=np.float32)
        np.save(work.scratch / "answers.npy", answers, allow_pickle=False)
        (work.scratch / "inputs.json").write_bytes(orjson.dumps(inputs, option=orjson.OPT_SERIALIZE_NUMPY))
        self.tell(Event("done", str(work.scratch)))

    def event_for(self, error: BaseException) -> Event:
        """Say an error in a user's words."""
        if isinstance(error, SpecError):
            problems = tuple((item.file, item.line, item.path, item.message) for item in error.problems)
            return Event("error", error=SpecError.__name__, problems=problems)
        if isinstance(error, SlipwayError):
            return Event("error", str(error), type(error).__name__)
        text = _host_text(_root(error), self._job.scratch)
        if text is not None:
            return self._host(text)
        return self._unforeseen(error)

    def _unforeseen(self, error: BaseException) -> Event:
        """Blame the source where an error went through it, or where tracing its model failed."""
        blame = self._blame()
        file, line = blame.place(error)
        if isinstance(error, ShapingError) and error.step == "export":
            reason = f"cannot be exported to ONNX: {_first_line(_root(error))}"
            return self.event_for(blame.problem(line, f"{reason} (all of it in {self._log})", file))
        if isinstance(error, ShapingError) and error.step in SHRINKING:  # what the spec asks of this network
            where = f"models/{self._job.name}/model.yaml"
            return self.event_for(SpecError([Problem(where, 0, error.step, error.reason)]))
        if file is not None:  # the original itself, when it was asked to answer
            return self.event_for(blame.for_error(error))
        return self._host(f"{type(error).__name__}: {_first_line(error)}")

    def _run(self, step: Pass, work: Work) -> Work:
        self._say(step.name)
        return step.run(work)

    def _blame(self) -> Blame:
        return Blame(self._folder, self._source.split(":")[0] or "model.yaml")

    def _end_late(self, error: SpecError) -> None:
        self.tell(self.event_for(error))
        os._exit(LATE)

    def _host(self, text: str) -> Event:
        return Event("error", f"{self._job.name}: {self._step} failed: {text}", HostError.__name__)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Open standard output and error again after the block.

    A source may close them; the next file would take their places, and all that is printed later.
    """
    log = os.dup(sys.stdout.fileno())
    yield
    with suppress(OSError):  # closed too
        for stream in (1, 2):
            os.dup2(log, stream)
        os.close(log)
    sys.stdout, sys.stderr = (os.fdopen(stream, "w", buffering=1, closefd=False) for stream in (1, 2))


class Leash:
    """Ends this process when the parent is gone, however it went: then the pipe to it is closed."""

    def __init__(self) -> None:
        self._word = Signal()
        self._parent = os.fdopen(os.dup(sys.stdin.fileno()))
        with Path(os.devnull).open() as nothing:
            os.dup2(nothing.fileno(), sys.stdin.fileno())  # a source that reads its input must not read ours
        Thread(target=self._watch, daemon=True).start()

    def wait(self) -> None:
        """Return when the parent says so."""
        self._word.wait()

    def _watch(self) -> None:
        for line in self._parent:
            if line == GO:
                self._word.set()
        os._exit(LATE)


def _host_text(error: BaseException, scratch: str) -> str | None:
    """Say what the machine lacks, if that is what the error is about."""
    if isinstance(error, MemoryError) or any(words in str(error) for words in NO_MEMORY):
        return "memory is used up"
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return f"{DISK_FULL[error.errno]} while {error.filename or scratch} was written"
    return None


def _root(error: BaseException) -> BaseException:
    """Return what an exporter's own summary was raised for."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in COLOURS.sub("", str(error)).splitlines() if line.strip() != ""]
    return lines[0] if lines else type(error).__name__


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
