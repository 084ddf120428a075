"""Whether an artifact answers one input alike however it is asked."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

from model_build.asking import Asking, wishes
from model_build.metrics import METRICS
from model_build.metrics.measured import shorten
from model_build.passes.verify import gate
from model_build.server_process import ServerProcess
from model_build.work import present
from serving.model import Model
from slipway.specs import GateError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model_build.metrics import Measured
    from model_build.tasks import Samples
    from model_build.work import Work

SAME: Final = 1e-6
"""Answers that differ by less than this share of the largest number in them are one answer."""
AT_MOST: Final = 128
"""Inputs that are asked alone."""
ASKED_AGAIN: Final = 8
"""Inputs that are asked twice, after another load, and through the server: what differs there differs for all."""
BATCHES: Final = (8, 3)


def consistency(work: Work, refused: Callable[[Measured], str]) -> dict[str, float]:
    """Ask the same inputs alone, in two groupings, twice, of a model that was loaded anew, and through the server.

    Args:
        work: Laid out, with the original's answers.
        refused: Says why a measurement misses the gate; empty where it does not.

    Returns:
        The metric of the answers alone against the original's, of the worse grouping against the answers alone, and
        the largest difference of the others from the answers alone.

    Raises:
        GateError: If an answer depends on how it is asked.
    """
    with ServerProcess(present(work.served), threads=1) as server:  # it starts while the others are asked
        samples, expected = _part(present(work.samples), present(work.expected))
        model, asking = Model.load(present(work.served), threads=1), Asking(samples, expected)
        ask = partial(asking.answers, model)
        alone = _in_batches(ask, [[at] for at in range(len(samples.inputs))])
        batched = _in_batches(ask, _groups(len(samples.inputs)))
        truth = _as_truth(samples, alone)
        # Right labels among few say little; that they are those of the proof is what counts, and judged just below.
        either = refused if samples.truth is None else _never
        again = [[at] for at in range(min(ASKED_AGAIN, len(samples.inputs)))]
        anew = partial(asking.answers, Model.load(present(work.served), threads=1))
        found = {
            "alone": _judged(work, "asked alone", either, samples, expected, alone),
            "alone_against_batched": _judged(work, "alone against in a batch", refused, truth, alone, batched),
            "asked_twice": _difference(work, "asked twice", alone, _in_batches(ask, again)),
            "loaded_again": _difference(work, "loaded again", alone, _in_batches(anew, again)),
        }
        server.wait_until_ready()
        return {**found, "asked_through_the_server": _served(work, server, model, samples.inputs[:ASKED_AGAIN], alone)}


def _served(work: Work, server: ServerProcess, model: Model, inputs: list[Any], alone: np.ndarray) -> float:
    """Return how far the server's answers are from those of this process; texts must be the same."""
    if model.generator is None:
        answers = np.concatenate([server.ask([each]) for each in inputs])
        return _difference(work, "asked through the server", alone, answers)
    asked = wishes(model.manifest)
    for each in inputs:
        ours, theirs = orjson.loads(model.generator.answer([each], asked)), server.answer([each], asked)
        if ours != theirs:
            words = f"{shorten(each)} is gone on with by {theirs}, and here by {ours}"
            raise GateError(f"{work.name}: asked through the server, {words}")
    return 0.0


def _never(_: Measured) -> str:
    return ""


def _part(samples: Samples, expected: np.ndarray) -> tuple[Samples, np.ndarray]:
    step = -(-len(samples.inputs) // AT_MOST)
    truth = None if samples.truth is None else samples.truth[::step]
    return replace(samples, inputs=samples.inputs[::step], truth=truth), expected[::step]


def _groups(count: int) -> list[list[int]]:
    """Return groups that hold each input once: half of them in large ones, half in small ones, with any neighbours."""
    order = np.random.default_rng(0).permutation(count)
    groups = []
    for part, size in zip(np.array_split(order, len(BATCHES)), BATCHES, strict=True):
        groups += [[int(at) for at in part[start : start + size]] for start in range(0, len(part), size)]
    return groups


def _in_batches(ask: Callable[[Sequence[int]], np.ndarray], groups: Sequence[Sequence[int]]) -> np.ndarray:
    """Return an answer for each place, in order."""
    answers = np.concatenate([ask(group) for group in groups])
    return np.asarray(answers[np.argsort(np.concatenate(groups))])


def _as_truth(samples: Samples, answers: np.ndarray) -> Samples:
    """Take the answers for what is right, where the metric counts what is right."""
    return samples if samples.truth is None else replace(samples, truth=answers.argmax(axis=1))


def _judged(
    work: Work,
    how: str,
    refused: Callable[[Measured], str],
    samples: Samples,
    theirs: np.ndarray,
    ours: np.ndarray,
) -> float:
    """Return the metric; it is held against the gate itself, since so few inputs would make a bound too low."""
    metric, needed = work.spec.verify.metric, gate(work.spec)
    measured = METRICS[metric](samples, theirs, ours)
    reason = refused(replace(measured, bound=max(measured.value, needed)))
    if measured.value < needed and refused is not _never:
        reason = f"{metric} is {measured.value:.6f}, at least {needed} is needed"
    if reason != "":
        worst = f"; worst: {'; '.join(measured.worst)}" if measured.worst else ""
        raise GateError(f"{work.name}: {how}: {reason}{worst}")
    return measured.value


def _difference(work: Work, how: str, before: np.ndarray, after: np.ndarray) -> float:
    before = before[: len(after)]
    apart = float(np.abs(before.astype(np.float64) - after.astype(np.float64)).max())
    allowed = SAME * max(1.0, float(np.abs(before).max()))
    if not apart <= allowed:  # NaN too
        raise GateError(f"{work.name}: {how}, an answer differs by {apart:.3g}; at most {allowed:.3g} may be")
    return apart
