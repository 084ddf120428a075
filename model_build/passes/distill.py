from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model_build.work import ModulePass, ShapingError, Work, present

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Distill(ModulePass):
    """Put a smaller network in the original's place, and teach it the original's answers.

    It learns from the source's training data, a tenth of which tells when to stop. What judges the artifact is never
    shown to it. What it costs in accuracy is the gate's matter: that compares with the untouched original.

    Args:
        student: File and function; its files are hashed with the model's.
        epochs: At most.
        temperature: Flattens the probabilities that are compared.
        teacher_share: Weight of the original's answers against that of the labels.
        batch: Inputs of one step.
        learning_rate: The highest on its way up and down.
        seed: Of the first weights and the order.
        threads: That train.
    """

    version: ClassVar[int] = 1
    name: ClassVar[str] = "distill"

    student: str
    epochs: int
    temperature: float
    teacher_share: float
    batch: int
    learning_rate: float
    seed: int
    threads: int

    def base(self, work: Work) -> torch.nn.Module:
        """Return the untrained student."""
        return present(work.student)

    def reshape(self, work: Work) -> torch.nn.Module:
        """Return the student taught."""
        from model_build.lessons import lessons_of
        from model_build.teaching import NotLearnedError, Plan, teach

        plan = Plan(
            epochs=self.epochs,
            batch=self.batch,
            learning_rate=self.learning_rate,
            temperature=self.temperature,
            teacher_share=self.teacher_share,
            seed=self.seed,
            threads=self.threads,
        )
        student, original = copy.deepcopy(self.base(work)), present(work.original)
        try:
            learned = teach(student, original.module, lessons_of(original), plan, work.tell)
        except NotLearnedError as error:
            raise ShapingError(self.name, str(error)) from error
        work.tell(str(learned))
        return student
