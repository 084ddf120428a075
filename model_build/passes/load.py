from __future__ import annotations

import errno
import importlib.util
import sys
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Timer, main_thread
from typing import TYPE_CHECKING, Any, ClassVar, Final

from model_build.work import Pass, Work
from slipway.specs import Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    from model_build.source import Original
    from model_build.sources import Origin
    from model_build.tasks import Task
    from slipway.specs import ModelSpec

DISK_FULL: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file grew beyond the limit on its size",
}


@dataclass(frozen=True)
class Load(Pass):
    """Run the data scientist's source, or read the files that stand for it: the original model."""

    version: ClassVar[int] = 1
    name: ClassVar[str] = "load"

    def run(self, work: Work) -> Work:
        """Return the work with ``original`` and ``task``."""
        from model_build.student import with_student
        from model_build.tasks import TASKS

        kind = TASKS[work.spec.task]
        original = load_original(work.source_folder, work.source, kind.returns, work.origin)
        task = kind(original)
        try:
            _require_timed(work.spec, ["x".join(map(str, shape)) for shape in task.shapes(work.spec)])
        except ValueError as error:
            raise SpecError([Problem(f"models/{work.name}/model.yaml", 0, "benchmark", str(error))]) from error
        _require_calibration(work, task)
        return with_student(replace(work, original=original, task=task))


def _require_timed(spec: ModelSpec, shapes: Sequence[str]) -> None:
    """Refuse needs at shapes that are not measured; of texts the spec itself knows."""
    missing = sorted((spec.benchmark.p95_ms or {}).keys() - set(shapes))
    if missing:
        raise ValueError(f"p95_ms: {', '.join(missing)}: not timed, {', '.join(shapes)} are")


def _require_calibration(work: Work, task: Task) -> None:
    """Refuse calibration data without an input: a quantiser would say so late, and in words of its own."""
    if task.calibration_missing(work.spec) is not None:
        return
    if next(task.calibration(work.spec, work.source_folder), None) is None:
        file = work.spec.calibrate
        where = f"models/{work.source_folder.name}/{'model.yaml' if file is None else file.data}"
        raise SpecError([Problem(where, 0, "", "holds no input: calibration needs one or more, a hundred are enough")])


def load_original(folder: Path, source: str, expected: type[Any], origin: Origin | None) -> Original:
    """Return the original, whatever kind of source it has, with weights that are finite.

    Args:
        folder: The model's folder.
        source: File and function; empty where files alone are the source.
        expected: What it must be.
        origin: Files that it is read from; None where there are none.

    Raises:
        SpecError: If the source is wrong.
        HostError: If it cannot be had on this machine.
    """
    from model_build import sources
    from model_build.sources.weights import not_finite

    if origin is None:
        original = call_source(folder, source, expected)
    elif source == "":
        original = sources.read(origin)
    else:
        original = call_source(folder, source, expected, (sources.weights_folder(origin),))
    broken = not_finite(original.module)
    if broken is not None:
        blame = Blame(folder, source.split(":", maxsplit=1)[0] or "model.yaml")
        raise blame.problem(0, f"weight '{broken}' holds NaN or infinity: nothing can be built of it")
    return original


def call_source(folder: Path, source: str, expected: type[Any], arguments: tuple[Path, ...] = ()) -> Original:
    """Call ``source.py:load`` in this process.

    Args:
        folder: The model's folder; the source may import its neighbours there.
        source: File and function.
        expected: What it must return.
        arguments: What it is called with.
            Default: nothing.

    Raises:
        SpecError: With file and line, whatever the source did: raise, end the process, return something else.
    """
    original = call(folder, source, arguments)
    if not isinstance(original, expected):
        file, function = source.split(":")
        received, accepted = type(original).__name__, f"model_build.{expected.__name__}"
        raise Blame(folder, file).problem(0, f"{function}() returned {received}, accepted: {accepted}")
    returned: Original = original
    return returned


def call(folder: Path, source: str, arguments: tuple[Path, ...] = ()) -> Any:
    """Call a function of the user's in this process; see ``call_source``."""
    file, function = source.split(":")
    blame = Blame(folder, file)
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True  # the folder is hashed; nothing of ours may appear in it
    _seed()
    try:
        return _function(folder / file, function, blame)(*arguments)
    except (Exception, SystemExit) as error:
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            raise  # not the source's fault, whatever it wrote or printed
        raise blame.for_error(error) from error


def _function(path: Path, name: str, blame: Blame) -> Callable[..., Any]:
    spec = importlib.util.spec_from_file_location(f"slipway_model_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise blame.problem(0, "cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickling look a class's module up
    spec.loader.exec_module(module)
    if not callable(getattr(module, name, None)):
        raise blame.problem(0, f"has no function '{name}', which model.yaml names")
    function: Callable[..., Any] = getattr(module, name)
    return function


def _seed() -> None:
    """Make a source that forgot its seeds repeatable all the same; torch's own generator starts from a fixed seed."""
    import random

    import numpy as np

    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  the legacy generator is the one that sources forget


@dataclass(frozen=True)
class Blame:
    """Say where in the model's folder something went wrong.

    Args:
        folder: The model's folder.
        file: The source, for what has no place of its own.
    """

    folder: Path
    file: str

    def problem(self, line: int, message: str, file: str | None = None) -> SpecError:
        """Return the error for a line of the source, or for the whole of it at line 0."""
        return SpecError([Problem(f"models/{self.folder.name}/{file or self.file}", line, "", message)])

    def for_error(self, error: BaseException) -> SpecError:
        """Return the error for something raised, at the innermost line that is the user's own."""
        if isinstance(error, SpecError):
            return error
        if isinstance(error, SyntaxError) and self._own(error.filename or ""):
            return self.problem(error.lineno or 0, f"is not Python: {error.msg}", self._own(error.filename or ""))
        file, line = self.place(error)
        if isinstance(error, SystemExit):
            return self.problem(line, f"ended the process with code {error.code}: return the model instead", file)
        if isinstance(error, MemoryError):
            return self.problem(line, "needs more memory than the machine has free", file)
        text = " ".join(str(error).split()) or "without a message"
        return self.problem(line, f"raised {type(error).__name__}: {text}", file)

    def place(self, error: BaseException) -> tuple[str | None, int]:
        """Return the innermost file and line of the user's own that an error went through, or nothing and 0."""
        frames = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
        return self._innermost(frames)

    def for_frame(self, frame: FrameType | None, seconds: float) -> SpecError:
        """Return the error for a source that is still busy."""
        frames = [(item.filename, item.lineno or 0) for item in traceback.extract_stack(frame)]
        file, line = self._innermost(frames)
        mend = "give it longer with --load-timeout, or mend the source"
        return self.problem(line, f"is still busy here after {seconds:g} s: {mend}", file)

    def _innermost(self, frames: list[tuple[str, int]]) -> tuple[str | None, int]:
        own = [(self._own(file), line) for file, line in frames]
        return next(((file, line) for file, line in reversed(own) if file is not None), (None, 0))

    def _own(self, file: str) -> str | None:
        prefix = f"{self.folder}/"
        return file.removeprefix(prefix) if file.startswith(prefix) else None


@contextmanager
def deadline(seconds: float, blame: Blame, late: Callable[[SpecError], None]) -> Iterator[None]:
    """Call ``late`` from another thread if the block takes longer; Python cannot be made to leave a call."""

    def fire() -> None:
        late(blame.for_frame(sys._current_frames().get(main_thread().ident or 0), seconds))  # noqa: SLF001  its only door

    timer = Timer(seconds, fire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
