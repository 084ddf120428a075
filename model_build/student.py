"""What ``distill`` and ``prune`` need of a source, refused in exact words where it is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from model_build.work import present
from slipway.specs import SHRINKING, Problem, SpecError

if TYPE_CHECKING:
    import torch

    from model_build.blame import Blame
    from model_build.work import Work

MEND = "give load()'s result training=Training(inputs=…)"


def with_student(work: Work) -> Work:
    """Return the loaded work with its untrained student, where its spec names one.

    Raises:
        SpecError: If the source brings no training data, or data that the artifact is judged by, or a student whose
            answers have another form than the original's.
    """
    asked = [key for key in SHRINKING if getattr(work.spec, key) is not None]
    if not asked:
        return work
    _require_training(work, asked[0])
    return work if work.spec.distill is None else replace(work, student=_student(work))


def _require_training(work: Work, key: str) -> None:
    original: Any = present(work.original)
    training, share = original.training, 1.0 if work.spec.distill is None else work.spec.distill.teacher_share
    if training is None:
        raise _problem(work, key, f"the source brings no training data: {MEND}")
    if training.labels is not None and work.spec.task != "image-classification":
        raise _problem(work, key, f"training data of {work.spec.task} takes no labels: the original's answers teach")
    if training.labels is None and share == 0:
        raise _problem(work, "distill.teacher_share", "is 0 and the training data has no labels: nothing would teach")
    if training.labels is not None and max(training.labels) >= len(original.labels):
        raise _problem(work, key, f"training label {max(training.labels)}, accepted: -1 to {len(original.labels) - 1}")
    judging = present(work.task).samples(work.spec, work.source_folder).inputs
    shared = _keys(training.inputs) & _keys(judging)
    if shared:
        raise _problem(work, key, f"{len(shared)} of the training inputs judge the artifact too: take them out of it")


def _keys(inputs: Any) -> set[bytes]:
    return {each.encode() if isinstance(each, str) else np.asarray(each, np.float32).tobytes() for each in inputs}


def _student(work: Work) -> torch.nn.Module:
    import torch

    from model_build.blame import Blame
    from model_build.calling import call
    from model_build.teaching import deterministic

    wanted = present(work.spec.distill)
    folder = work.source_folder.parent / work.name
    file, function = wanted.student.split(":")
    blame = Blame(folder, file)
    if not (folder / file).is_file():
        raise _problem(
            work, "distill.student", f"{file} is not in models/{work.name}: the student lies beside the spec"
        )
    with deterministic(wanted.seed, wanted.threads):
        student = call(folder, wanted.student)
    if not isinstance(student, torch.nn.Module):
        received = type(student).__name__
        raise blame.problem(0, f"{function}() returned {received}, accepted: a torch.nn.Module")
    _require_same_form(work, student.eval(), blame)
    return student


def _require_same_form(work: Work, student: torch.nn.Module, blame: Blame) -> None:
    import torch

    from model_build.tasks import with_module

    task = present(work.task)
    shapes = []
    for module in (None, student):
        traceable, feeds = with_module(task, module).traceable(), task.feeds(task.example_shape())
        with torch.no_grad():
            try:
                answer = traceable.module(*(torch.from_numpy(feeds[name]) for name in traceable.inputs))
            except Exception as error:
                raise blame.for_error(error) from error
        shapes.append(tuple(answer.shape))
    if shapes[0] != shapes[1]:
        raise blame.problem(0, f"the student answers {shapes[1]} where the original answers {shapes[0]}")


def _problem(work: Work, path: str, message: str) -> SpecError:
    return SpecError([Problem(f"models/{work.name}/model.yaml", 0, path, message)])
