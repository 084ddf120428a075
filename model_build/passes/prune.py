from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model_build.work import ModulePass, ShapingError, Work, present

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Prune(ModulePass):
    """Take whole channels out of every layer alike, those with the smallest weights first (torch-pruning).

    A channel goes from all layers that share it, through sums and normalisation, so what is left is a smaller network
    of the same kind, which every runtime runs faster. Single weights set to zero would save nothing: no runtime here
    skips them. What is left is taught the original's answers, as in ``distill``.

    Args:
        flops: Share of the multiplications that may stay.
        epochs: Of the training afterwards, at most.
        batch: Inputs of one step.
        learning_rate: The highest on its way up and down.
        seed: Of the order.
        threads: That train.
        multiple: Channels stay a multiple of this where there are enough of them: kernels work on so many at once.
    """

    version: ClassVar[int] = 1
    name: ClassVar[str] = "prune"

    flops: float
    epochs: int
    batch: int
    learning_rate: float
    seed: int
    threads: int
    multiple: int = 4

    def unfit(self, work: Work) -> str | None:
        """Ask for a network whose layers can be cut."""
        from model_build.sources.onnx_module import without_layers

        return without_layers(present(work.original)) if work.student is None else None

    def base(self, work: Work) -> torch.nn.Module:
        """Return what is pruned: the student where there is one, else the original."""
        return present(work.original).module if work.module is None else work.module

    def reshape(self, work: Work) -> torch.nn.Module:
        """Return what is left, taught."""
        from model_build.channels import UnprunableError, take_out
        from model_build.lessons import lessons_of
        from model_build.teaching import NotLearnedError, Plan, deterministic, teach

        plan = Plan(
            epochs=self.epochs,
            batch=self.batch,
            learning_rate=self.learning_rate,
            seed=self.seed,
            threads=self.threads,
        )
        module, original = copy.deepcopy(self.base(work)), present(work.original)
        try:
            with deterministic(self.seed, self.threads):
                left = take_out(module, present(work.task), share=self.flops, multiple=self.multiple)
            learned = teach(module, original.module, lessons_of(original), plan, work.tell)
        except (UnprunableError, NotLearnedError) as error:
            raise ShapingError(self.name, str(error)) from error
        work.tell(f"{left:.3f} of the multiplications left, {learned}")
        return module
