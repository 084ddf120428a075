"""The child process that builds one model.

A process of its own, because a source is a stranger's code: it may print, exit, hang, crash or eat all memory, and none
of that may reach the caller. Its standard output and error go to a log file, its events to a pipe of their own.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np
import orjson

from model_build.blame import Blame, deadline
from model_build.cache import Cache
from model_build.digest import versions
from model_build.failure import Failure
from model_build.going_on import answers as answers_of
from model_build.going_on import prompts
from model_build.job import Event, Job
from model_build.llm_target import around_llm, shaped
from model_build.memory import limit_memory, peak_bytes
from model_build.passes.compile_neo import CompileNeo
from model_build.passes.load import Load, load_original
from model_build.passes.verify import Verify
from model_build.search import Search
from model_build.streams import LATE, Leash, standard_streams
from model_build.targets import finishing_passes, is_search, recipes
from model_build.tasks import TASKS, task_of
from model_build.trial import Trial
from model_build.work import Work
from model_build.written import checkpoint_folder
from slipway.specs import Project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_build.work import Pass
    from slipway.specs import SpecError

SELDOM: Final = (50_000, 20, 20)
"""When to look for garbage: what the libraries make stays, and looking at Python's own pace took a tenth of a build."""


def main(job_file: str, event_handle: str) -> int:
    """Do the job; every outcome but a crash is told as an event."""
    job = Job.read(Path(job_file))
    gc.set_threshold(*SELDOM)
    limit_memory()
    with os.fdopen(int(event_handle), "w", buffering=1) as events:
        worker = Worker(job, events)
        try:
            worker.do()
        except BaseException as error:  # noqa: BLE001  told to the parent, which raises it
            with suppress(OSError):  # the log may lie on the very disk that is full
                traceback.print_exc()
            worker.fail(error)
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
        self._spec = self._project.models[job.name]
        self._may_go_on = Leash()

    def tell(self, event: Event) -> None:
        """Send one event."""
        self._events.write(replace(event, peak_bytes=peak_bytes() or 0).line())
        self._events.flush()

    def fail(self, error: BaseException) -> None:
        """Say an error in a user's words."""
        self.tell(Failure(self._job.name, self._step, self._job.scratch, self._blame()).event(error))

    def do(self) -> None:
        """Do what the job says."""
        if self._job.samples is not None:
            self.answer(self._job.samples)
        elif self._job.rehearse:
            self.rehearse()
        elif self._job.neo:
            self.write_for_neo()
        else:
            self.build()

    def build(self) -> None:
        """Build up to the proof, wait for the word, measure and pack."""
        if self._spec.target == "llm":
            self._build_checkpoint()
            return
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

    def _build_checkpoint(self) -> None:
        """Do the same for files that no engine of ours runs: there is nothing to measure."""
        read, verify, package = around_llm()
        [recipe] = recipes(self._spec)
        with self._user_code():
            work = replace(self._run(read, self._work()), recipe=str(recipe))
        cache = self._cache(work)
        work = self._run(verify, shaped(work, recipe.passes, cache, self._say))
        self.tell(Event("proved"))
        self._may_go_on.wait()
        work = self._run(package, work)
        cache.sweep()
        self.tell(Event("done", str(work.artifact)))

    def rehearse(self) -> None:
        """Do what a build for a GPU does up to its engine, and write down what came of it."""
        work = self._questioned()
        rows = Trial(recipes(self._spec), self._cache(work), self._say).run(work)
        file = work.scratch / "rehearsed.json"
        file.write_bytes(orjson.dumps([row.model_dump(mode="json") for row in rows]))
        self.tell(Event("done", str(file)))

    def write_for_neo(self) -> None:
        """Load the original once more and write it as SageMaker Neo reads it."""
        neo = self._spec.neo
        assert neo is not None  # noqa: S101  else nobody gives such a job
        work = self._loaded()
        self._run(CompileNeo(neo.batch, neo.sequence_length), work)
        self.tell(Event("done", str(work.scratch)))

    def _questioned(self) -> Work:
        """Load the original and let it answer: a source may take long for either, and for nothing else."""
        work = self._loaded()
        with self._deadline():
            return Verify().questioned(work)

    def _loaded(self) -> Work:
        self._say(Load.name)
        work = self._work()
        with standard_streams(), self._deadline():
            return Load().run(work)

    @contextmanager
    def _user_code(self) -> Iterator[None]:
        """Bound what a source's function may do, where there is one; to read files may take as long as it takes."""
        if self._source == "":
            yield
            return
        with standard_streams(), self._deadline():
            yield

    def _deadline(self) -> AbstractContextManager[None]:
        import torch  # noqa: F401  it takes seconds to come in, on a busy machine many: they are not the source's

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
        if self._spec.target == "llm":
            self._go_on(count)
            return
        work, task_class = self._work(), TASKS[self._spec.task]
        with self._deadline():
            original = load_original(work.source_folder, work.source, task_class.returns, work.origin)
        if self._job.inputs is None:
            every = task_of(work.spec.task, original).samples(work.spec, work.source_folder).inputs
        else:
            every = orjson.loads(Path(self._job.inputs).read_bytes())
        inputs = _evenly(every, count)
        with self._deadline():
            answers = np.asarray(original.reference(inputs), dtype=np.float32)
        self._answered(inputs, {"answers": answers})

    def _go_on(self, count: int) -> None:
        """Let a language model go on with prompts, alone and in chats."""
        work = self._work()
        with self._user_code():
            folder = checkpoint_folder(work)
        every = prompts(work) if self._job.inputs is None else orjson.loads(Path(self._job.inputs).read_bytes())
        inputs = _evenly(every, count)
        said = answers_of(folder, inputs)
        chats = {"chats": np.asarray(said.chats)} if said.chats else {}
        self._answered(inputs, {"answers": np.asarray(said.texts), **chats})

    def _answered(self, inputs: list[Any], arrays: dict[str, np.ndarray]) -> None:
        scratch = Path(self._job.scratch)
        for name, array in arrays.items():
            np.save(scratch / f"{name}.npy", array, allow_pickle=False)
        (scratch / "inputs.json").write_bytes(orjson.dumps(inputs, option=orjson.OPT_SERIALIZE_NUMPY))
        self.tell(Event("done", str(scratch)))

    def _run(self, step: Pass, work: Work) -> Work:
        self._say(step.name)
        return step.run(work)

    def _blame(self) -> Blame:
        return Blame(self._folder, self._source.split(":")[0] or "model.yaml")

    def _end_late(self, error: SpecError) -> None:
        self.fail(error)
        os._exit(LATE)


def _evenly(every: list[Any], count: int) -> list[Any]:
    return every[:: max(1, len(every) // count)][:count]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
