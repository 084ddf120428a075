from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from model_build.machine import processor
from model_build.work import Pass, Work, present
from slipway.specs import BenchmarkRow, GateError, ServerFigures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

ORIGINAL, ARTIFACT = "original", "artifact"
SERVED_BATCH = 64
"""Most inputs that a request to the server may hold."""


@dataclass(frozen=True)
class Benchmark(Pass):
    """Time the original and the artifact in turns, at the model's own shapes, and the server's start on its own.

    A round times both once, in random order, and gives one ratio: what else the machine does meanwhile hits both alike.
    What is timed is tensors to answer: PyTorch eager with its pooling or softmax, against the server's own code. Of a
    model that generates whole answers are timed too, and told by the token.

    Args:
        seconds: Time for one shape.
        min_rounds: At least so many, however long they take.
        max_rounds: At most so many.
        starts: Of the server.
    """

    version: ClassVar[int] = 2
    name: ClassVar[str] = "benchmark"

    seconds: float = 2.0
    min_rounds: int = 9
    max_rounds: int = 150
    starts: int = 3

    def run(self, work: Work) -> Work:
        """Return the work with ``benchmark``, ``per_token`` where it generates, and ``server``.

        Raises:
            GateError: If it is slower than the model needs, with by how much.
        """
        import torch

        from model_build.speaking import answers
        from serving.model import Model

        task, threads = present(work.task), work.spec.benchmark.threads
        torch.set_num_threads(threads)
        model, eager = Model.load(present(work.served), threads=threads), task.eager()
        rows = []
        for shape in task.shapes(work.spec):
            feeds = task.feeds(shape)
            calls = {ORIGINAL: _bind(eager, feeds), ARTIFACT: _bind(model.run, feeds)}
            rows.append(self._row("x".join(map(str, shape)), calls))
        _require_fast(work, rows)
        tokens = tuple(self._row(*answer) for answer in answers(task, model, work.spec))
        return replace(work, benchmark=tuple(rows), per_token=tokens, server=self._server(work))

    def _row(self, shape: str, calls: dict[str, Callable[[], Any]], steps: int = 1) -> BenchmarkRow:
        """Time original and artifact; the figures are of one of the steps that a call takes."""
        each: dict[str, list[float]] = {}
        times = rounds(calls, seconds=self.seconds, least=self.min_rounds, most=self.max_rounds, each=each)
        return _row(shape, times, each, steps)

    def _server(self, work: Work) -> ServerFigures:
        import numpy as np

        from model_build.asking import wishes
        from model_build.server_process import ServerProcess
        from serving import manifest as manifests

        inputs, most = present(work.samples).inputs, min(max(work.spec.benchmark.batch), SERVED_BATCH)
        batch, asked = (inputs * -(-most // len(inputs)))[:most], wishes(manifests.read(present(work.served)))
        starts, peaks = [], []
        for _ in range(self.starts):
            with ServerProcess(present(work.served), threads=work.spec.benchmark.threads) as server:
                starts.append(server.first_answer_ms(inputs[:1], asked))
                server.answer(batch, asked)
                peaks.append(server.peak_memory_bytes())
        return ServerFigures(
            cold_start_ms=round(float(np.median(starts)), 1),
            cold_start_min_ms=round(min(starts), 1),
            cold_start_max_ms=round(max(starts), 1),
            peak_memory_bytes=max((peak for peak in peaks if peak is not None), default=None),
        )


def missed(needs: Mapping[str, float], p95_ms: Mapping[str, float]) -> list[str]:
    """Say by how much each need is missed.

    Args:
        needs: Milliseconds by shape.
        p95_ms: What was measured, by shape.
    """
    return [
        f"p95 at {shape} is {p95_ms[shape]:.4g} ms, {need:g} ms are needed: missed by {p95_ms[shape] - need:.4g} ms"
        for shape, need in needs.items()
        if shape in p95_ms and p95_ms[shape] > need
    ]


def _require_fast(work: Work, rows: Sequence[BenchmarkRow]) -> None:
    reasons = missed(work.spec.benchmark.p95_ms or {}, {row.shape: present(row.p95_ms) for row in rows})
    if reasons:
        raise GateError(f"{work.name}: too slow on {processor() or 'this machine'}: {'; '.join(reasons)}")


def rounds(
    calls: dict[str, Callable[[], Any]],
    *,
    seconds: float,
    least: int,
    most: int,
    each: dict[str, list[float]] | None = None,
) -> dict[str, np.ndarray]:
    """Time all calls once a round, in random order.

    Args:
        calls: What to time, by name.
        seconds: When to stop.
        least: Rounds that are made in any case.
        most: Rounds after which to stop.
        each: Receives the seconds of every single call, by name: a round of short calls hides their tail in a mean.

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
            taken = _times(calls[name], repeats[name])
            times[name].append(sum(taken) / len(taken))
            if each is not None:
                each.setdefault(name, []).extend(taken)
    return {name: np.asarray(measured) for name, measured in times.items()}


def _repeats(call: Callable[[], Any], shortest: float = 0.002) -> int:
    """Warm up, and find how often to repeat a call so that the clock can see it."""
    for _ in range(2):
        call()
    return max(1, int(shortest / max(min(_times(call, 2)), 1e-7)))


def _times(call: Callable[[], Any], repeats: int) -> list[float]:
    clock = [time.perf_counter()]
    for _ in range(repeats):
        call()
        clock.append(time.perf_counter())
    return [after - before for before, after in pairwise(clock)]


def _bind(call: Callable[[Any], Any], feeds: Any) -> Callable[[], Any]:
    return lambda: call(feeds)


def _row(shape: str, times: dict[str, np.ndarray], each: dict[str, list[float]], steps: int) -> BenchmarkRow:
    import numpy as np

    times = {name: taken / steps for name, taken in times.items()}
    tails = {
        name: [round(float(it) * 1000 / steps, 4) for it in np.percentile(taken, (95, 99))]
        for name, taken in each.items()
    }

    ratios = times[ORIGINAL] / times[ARTIFACT]
    low, middle, high = (round(float(value), 3) for value in np.percentile(ratios, (25, 50, 75)))
    return BenchmarkRow(
        shape=shape,
        ratio=middle,
        ratio_p25=low,
        ratio_p75=high,
        p50_ms=round(float(np.median(times[ARTIFACT])) * 1000, 4),
        reference_p50_ms=round(float(np.median(times[ORIGINAL])) * 1000, 4),
        p95_ms=tails[ARTIFACT][0],
        p99_ms=tails[ARTIFACT][1],
        reference_p95_ms=tails[ORIGINAL][0],
        reference_p99_ms=tails[ORIGINAL][1],
    )
