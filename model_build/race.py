"""Which of several forms of a model is the fastest, found out with as little measuring as it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from model_build.passes.benchmark import ORIGINAL, missed, rounds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from model_build.tasks import Task
    from serving.model import Model

HOPELESS: Final = 0.7
"""Who has less than this share of the leader's speed after a shape is not timed at the next."""


@dataclass
class Runner:
    """One contender.

    Args:
        name: Of its recipe.
        speedups: Against the original, by shape.
        latency_ms: Median by shape.
        p95_ms: By shape.
    """

    name: str
    speedups: dict[str, float] = field(default_factory=dict)
    latency_ms: dict[str, float] = field(default_factory=dict)
    p95_ms: dict[str, float] = field(default_factory=dict)

    @property
    def speed(self) -> float:
        """The geometric mean over the shapes that it was timed at: no shape counts for more than another."""
        import numpy as np

        return float(np.exp(np.mean(np.log(list(self.speedups.values()))))) if self.speedups else 0.0


def race(
    task: Task,
    shapes: Sequence[tuple[int, ...]],
    folders: Mapping[str, Path],
    *,
    threads: int,
    needs: Mapping[str, float] | None = None,
    peers: Mapping[str, Model] | None = None,
) -> list[Runner]:
    """Time contenders and the original in turns, shape after shape; hopeless ones leave on the way.

    Args:
        task: Brings the original and the tensors.
        shapes: At which to time.
        folders: Laid out as the server unpacks them, by name.
        threads: Given to each call.
        needs: Milliseconds by shape that 95 of 100 calls must not exceed. Who meets them comes before who is faster
            and does not, so nobody leaves: the last shape may be the one that counts.
            Default: none.
        peers: Others to time at every shape, whom nobody has to keep up with.
            Default: none.

    Returns:
        The fastest first; those who left are last.
    """
    import torch

    from serving.model import Model

    torch.set_num_threads(threads)
    models = {name: Model.load(folder, threads=threads) for name, folder in folders.items()}
    models |= peers or {}
    runners, running = {name: Runner(name) for name in models}, set(folders)
    for shape in shapes:
        feeds = task.feeds(shape)
        calls: dict[str, Callable[[], object]] = {ORIGINAL: partial(task.eager(), feeds)}
        calls.update(
            {name: partial(models[name].run, feeds) for name in models if name in running or name not in folders}
        )
        each: dict[str, list[float]] = {}
        times = rounds(calls, seconds=0.4 * len(calls), least=5, most=60, each=each)
        _note(runners, "x".join(map(str, shape)), times, each)
        if needs:
            continue
        best = max(runners[name].speed for name in running)
        running = {name for name in running if runners[name].speed >= HOPELESS * best}
    return sorted(runners.values(), key=lambda it: (it.name in running, _suffices(it, needs), it.speed), reverse=True)


def _suffices(runner: Runner, needs: Mapping[str, float] | None) -> bool:
    return missed(needs or {}, runner.p95_ms) == []


def _note(
    runners: Mapping[str, Runner], shape: str, times: Mapping[str, np.ndarray], each: Mapping[str, list[float]]
) -> None:
    import numpy as np

    for name in times.keys() - {ORIGINAL}:
        runners[name].speedups[shape] = float(np.median(times[ORIGINAL] / times[name]))
        runners[name].latency_ms[shape] = round(float(np.median(times[name])) * 1000, 4)
        runners[name].p95_ms[shape] = round(float(np.percentile(each[name], 95)) * 1000, 4)
