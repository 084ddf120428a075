from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from model_build.work import Pass, Work, present
from slipway.specs import BenchmarkRow

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

ORIGINAL, ARTIFACT = "original", "artifact"


@dataclass(frozen=True)
class Benchmark(Pass):
    """Time the original and the artifact in turns, at the model's own shapes.

    A round times both once, in random order, and gives one ratio: what else the machine does meanwhile hits both alike.
    What is timed is tensors to answer: PyTorch eager with its pooling or softmax, against the server's own code.

    Args:
        seconds: Time for one shape.
        min_rounds: At least so many, however long they take.
        max_rounds: At most so many.
    """

    version: ClassVar[int] = 1
    name: ClassVar[str] = "benchmark"

    seconds: float = 2.0
    min_rounds: int = 9
    max_rounds: int = 150

    def run(self, work: Work) -> Work:
        """Return the work with ``benchmark``."""
        import torch

        from serving.model import Model

        task, threads = present(work.task), work.spec.benchmark.threads
        torch.set_num_threads(threads)
        model, eager = Model.load(present(work.served), threads=threads), task.eager()
        rows = []
        for shape in task.shapes(work.spec):
            feeds = task.feeds(shape)
            calls = {ORIGINAL: _bind(eager, feeds), ARTIFACT: _bind(model.run, feeds)}
            times = rounds(calls, seconds=self.seconds, least=self.min_rounds, most=self.max_rounds)
            rows.append(_row("x".join(map(str, shape)), times))
        return replace(work, benchmark=tuple(rows))


def rounds(calls: dict[str, Callable[[], Any]], *, seconds: float, least: int, most: int) -> dict[str, np.ndarray]:
    """Time all calls once a round, in random order.

    Args:
        calls: What to time, by name.
        seconds: When to stop.
        least: Rounds that are made in any case.
        most: Rounds after which to stop.

    Returns:
        Seconds per call, by name, one a round.
    """
    import numpy as np

    repeats = {name: _repeats(call) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    shuffled = random.Random(0)  # noqa: S311  an order, not a secret
    order, end = list(calls), time.perf_counter() + seconds
    while (done := len(times[order[0]])) < least or (done < most and time.perf_counter() < end):
        shuffled.shuffle(order)
        for name in order:
            times[name].append(_time(calls[name], repeats[name]))
    return {name: np.asarray(measured) for name, measured in times.items()}


def _repeats(call: Callable[[], Any], shortest: float = 0.002) -> int:
    """Warm up, and find how often to repeat a call so that the clock can see it."""
    for _ in range(3):
        call()
    return max(1, int(shortest / max(_time(call, 1), 1e-7)))


def _time(call: Callable[[], Any], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats


def _bind(call: Callable[[Any], Any], feeds: Any) -> Callable[[], Any]:
    return lambda: call(feeds)


def _row(shape: str, times: dict[str, np.ndarray]) -> BenchmarkRow:
    import numpy as np

    ratios = times[ORIGINAL] / times[ARTIFACT]
    low, middle, high = (round(float(value), 3) for value in np.percentile(ratios, (25, 50, 75)))
    return BenchmarkRow(
        shape=shape,
        ratio=middle,
        ratio_p25=low,
        ratio_p75=high,
        p50_ms=round(float(np.median(times[ARTIFACT])) * 1000, 4),
        reference_p50_ms=round(float(np.median(times[ORIGINAL])) * 1000, 4),
    )
