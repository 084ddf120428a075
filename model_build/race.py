"""Which of several forms of a model is the fastest, found out with as little measuring as it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from model_build.passes.benchmark import ORIGINAL, rounds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from model_build.tasks import Task

HOPELESS: Final = 0.7
"""Who has less than this share of the leader's speed after a shape is not timed at the next."""


@dataclass
class Runner:
    """One contender.

    Args:
        name: Of its recipe.
        speedups: Against the original, by shape.
        latency_ms: Median by shape.
    """

    name: str
    speedups: dict[str, float] = field(default_factory=dict)
    latency_ms: dict[str, float] = field(default_factory=dict)

    @property
    def speed(self) -> float:
        """The geometric mean over the shapes that it was timed at: no shape counts for more than another."""
        import numpy as np

        return float(np.exp(np.mean(np.log(list(self.speedups.values()))))) if self.speedups else 0.0


def race(task: Task, shapes: Sequence[tuple[int, ...]], folders: Mapping[str, Path], *, threads: int) -> list[Runner]:
    """Time contenders and the original in turns, shape after shape; hopeless ones leave on the way.

    Args:
        task: Brings the original and the tensors.
        shapes: At which to time.
        folders: Laid out as the server unpacks them, by name.
        threads: Given to each call.

    Returns:
        The fastest first; those who left are last.
    """
    import torch

    from serving.model import Model

    torch.set_num_threads(threads)
    models = {name: Model.load(folder, threads=threads) for name, folder in folders.items()}
    runners, running = {name: Runner(name) for name in folders}, set(folders)
    for shape in shapes:
        feeds = task.feeds(shape)
        calls: dict[str, Callable[[], object]] = {ORIGINAL: partial(task.eager(), feeds)}
        calls.update({name: partial(models[name].run, feeds) for name in folders if name in running})
        _note(runners, "x".join(map(str, shape)), rounds(calls, seconds=0.4 * len(calls), least=5, most=60))
        best = max(runners[name].speed for name in running)
        running = {name for name in running if runners[name].speed >= HOPELESS * best}
    return sorted(runners.values(), key=lambda each: (each.name in running, each.speed), reverse=True)


def _note(runners: Mapping[str, Runner], shape: str, times: Mapping[str, np.ndarray]) -> None:
    import numpy as np

    for name in times.keys() - {ORIGINAL}:
        runners[name].speedups[shape] = float(np.median(times[ORIGINAL] / times[name]))
        runners[name].latency_ms[shape] = round(float(np.median(times[name])) * 1000, 4)
