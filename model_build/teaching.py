"""Teach a network what the original answers: the same steps every time, ended when nothing gets better."""

from __future__ import annotations

import copy
import math
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from model_build.lessons import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_build.lessons import Lessons

TELL_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to teach.

    Args:
        epochs: At most.
        batch: Inputs of one step.
        learning_rate: The highest on its way up and down.
        temperature: See ``Lessons.distance``.
        teacher_share: Weight of the original's answers; the rest is that of the labels, where there are any.
        seed: Of the order.
        threads: That work. Sums depend on it.
        patience: Epochs without anything better, after which it ends.
        validation: Share of the inputs that is not learned from and tells what is better.
    """

    epochs: int
    batch: int
    learning_rate: float
    temperature: float = 4.0
    teacher_share: float = 1.0
    seed: int = 0
    threads: int = 1
    patience: int = 15
    validation: float = 0.1


@dataclass(frozen=True)
class Learned:
    """What came of it, on the inputs that were not learned from.

    Args:
        epochs: That were gone through.
        before: Distance to the original's answers.
        after: The same at the best epoch, whose weights are kept.
    """

    epochs: int
    before: float
    after: float

    def __str__(self) -> str:
        return f"{self.before:.4g} from the original's answers before, {self.after:.4g} after {self.epochs} epochs"


class NotLearnedError(Exception):
    """The network did not learn; says why."""


def teach(
    student: torch.nn.Module, teacher: torch.nn.Module, lessons: Lessons, plan: Plan, tell: Callable[[str], None]
) -> Learned:
    """Train a network in place.

    Args:
        student: Left in evaluation mode, with the weights of its best epoch.
        teacher: The untouched original.
        lessons: Inputs, none of which the artifact is judged by.
        plan: How.
        tell: Hears how far it is.

    Raises:
        NotLearnedError: If the loss is no number any more.
    """
    with deterministic(plan.seed, plan.threads):
        return _School(student, teacher, lessons, plan).learn(tell)


class _School:
    def __init__(self, student: torch.nn.Module, teacher: torch.nn.Module, lessons: Lessons, plan: Plan) -> None:
        self._student, self._lessons, self._plan = student.requires_grad_(requires_grad=True), lessons, plan
        shuffled = torch.randperm(len(lessons))
        apart = max(2, int(len(lessons) * plan.validation))
        self._shown, self._kept_back = shuffled[apart:], shuffled[:apart]
        self._theirs = self._answers(teacher.eval(), torch.arange(len(lessons)))
        self._labels = None if plan.teacher_share == 1 else lessons.labels

    def learn(self, tell: Callable[[str], None]) -> Learned:
        plan, told = self._plan, time.monotonic()
        before = self._distance()
        best, best_epoch, kept = math.inf, 0, copy.deepcopy(self._student.state_dict())
        steps = self._steps()
        epoch = 0
        for epoch in range(1, plan.epochs + 1):
            next(steps)
            loss = self._judged()
            if not math.isfinite(loss):
                raise NotLearnedError(f"the loss is {loss} after epoch {epoch}: lower the learning_rate")
            if loss < best:
                best, best_epoch, kept = loss, epoch, copy.deepcopy(self._student.state_dict())
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                tell(f"epoch {epoch} of {plan.epochs}, loss {loss:.4g}, best {best:.4g}")
            if epoch - best_epoch >= plan.patience:
                break
        self._student.load_state_dict(kept)
        self._student.eval().requires_grad_(requires_grad=False)
        return Learned(epoch, before, self._distance())

    def _steps(self) -> Iterator[None]:
        """Yield after each epoch."""
        plan, a_round = self._plan, math.ceil(len(self._shown) / self._plan.batch)
        weights = [parameter for parameter in self._student.parameters() if parameter.is_floating_point()]
        optimizer = torch.optim.AdamW(weights, lr=plan.learning_rate, weight_decay=1e-4)
        schedule: Any = torch.optim.lr_scheduler.OneCycleLR
        rate = schedule(optimizer, max_lr=plan.learning_rate, total_steps=plan.epochs * a_round + 1, pct_start=0.2)
        while True:
            self._student.train()
            for places in torch.split(self._shown[torch.randperm(len(self._shown))], plan.batch):
                if len(places) > 1:  # batch normalisation has no variance of one
                    optimizer.zero_grad()
                    self._loss(self._lessons.answers(self._student, places), places).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
                    optimizer.step()
                rate.step()
            self._student.eval()
            yield

    def _loss(self, ours: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        distance = self._lessons.distance(ours, self._theirs[places], self._plan.temperature)
        if self._labels is None:
            return distance
        share, known = self._plan.teacher_share, self._labels[places] != UNKNOWN
        right = functional.cross_entropy(ours, self._labels[places], ignore_index=UNKNOWN, reduction="sum")
        return distance * share + right / known.sum().clamp(min=1) * (1 - share)

    def _judged(self) -> float:
        """Return the loss on what is not learned from."""
        with torch.no_grad():
            return float(self._loss(self._answers(self._student, self._kept_back), self._kept_back))

    def _distance(self) -> float:
        ours = self._answers(self._student.eval(), self._kept_back)
        return float(self._lessons.distance(ours, self._theirs[self._kept_back], 1.0))

    def _answers(self, module: torch.nn.Module, places: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            parts = [self._lessons.answers(module, some) for some in torch.split(places, self._plan.batch)]
            return torch.cat(parts)


@contextmanager
def deterministic(seed: int, threads: int) -> Iterator[None]:
    """Make what torch does on the CPU repeatable inside, and leave nothing changed behind."""
    before, strict, warn = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(mode=True)
        try:
            yield
        finally:
            torch.set_num_threads(before)
            torch.use_deterministic_algorithms(mode=strict, warn_only=warn)
