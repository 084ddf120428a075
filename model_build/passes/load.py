from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from model_build.blame import Blame
from model_build.calling import call_source
from model_build.work import Pass, Work
from slipway.specs import Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from model_build.source import Original
    from model_build.sources import Origin
    from model_build.tasks import Task
    from slipway.specs import ModelSpec


@dataclass(frozen=True)
class Load(Pass):
    """Run the data scientist's source, or read the files that stand for it: the original model."""

    version: ClassVar[int] = 1
    name: ClassVar[str] = "load"

    def run(self, work: Work) -> Work:
        """Return the work with ``original`` and ``task``."""
        from model_build.student import with_student
        from model_build.tasks import TASKS, task_of

        kind = TASKS[work.spec.task]
        original = load_original(work.source_folder, work.source, kind.returns, work.origin)
        task = task_of(work.spec.task, original)
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
