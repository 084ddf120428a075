"""A model that says how fast it must be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from model_build import race as races
from model_build.passes.benchmark import Benchmark, missed, rounds
from model_build.passes.load import Load
from model_build.passes.optimize import Optimize
from model_build.passes.verify import Verify
from model_build.race import race
from model_build.work import Work, present
from slipway.specs import GateError, SpecError


def needing(work: Work, needs: dict[str, float]) -> Work:
    benchmark = work.spec.benchmark.model_copy(update={"p95_ms": needs})
    return replace(work, spec=work.spec.model_copy(update={"benchmark": benchmark}))


def test_missed_says_by_how_much() -> None:
    assert missed({"1x16": 4, "1x128": 40.5, "9x9": 1}, {"1x16": 4.0, "1x128": 51.25}) == [
        "p95 at 1x128 is 51.25 ms, 40.5 ms are needed: missed by 10.75 ms"
    ]


def test_artifact_that_is_too_slow_is_refused(classifier_work: Work) -> None:
    work = needing(Verify().run(Optimize().run(classifier_work)), {"3x1x8x8": 1e-6})
    with pytest.raises(GateError, match=r"^quarters: too slow on .*: p95 at 3x1x8x8 is \S+ ms, 1e-06 ms are needed: m"):
        Benchmark(seconds=0.02, starts=0).run(work)


def test_artifact_that_is_fast_enough_is_kept_and_its_tails_are_told(classifier_work: Work) -> None:
    work = needing(Verify().run(Optimize().run(classifier_work)), {"3x1x8x8": 1000.0})
    done = Benchmark(seconds=0.05, starts=1).run(work)
    for row in done.benchmark:
        assert 0 < present(row.p95_ms) <= present(row.p99_ms)
        assert 0 < present(row.reference_p95_ms) <= present(row.reference_p99_ms)
    assert present(done.server).cold_start_ms == present(done.server).cold_start_max_ms > 0


def test_tails_are_of_single_calls_and_not_of_rounds() -> None:
    calls = iter(range(10**9))
    each: dict[str, list[float]] = {}

    def quick() -> None:
        next(calls)

    times = rounds({"quick": quick}, seconds=0.05, least=3, most=20, each=each)
    assert len(each["quick"]) > 10 * len(times["quick"])
    assert np.mean(each["quick"]) == pytest.approx(np.mean(times["quick"]))


def test_need_at_a_shape_that_is_not_timed_is_refused(classifier_work: Work) -> None:
    words = r"benchmark: p95_ms: 1x128: not timed, 1x1x8x8, 3x1x8x8 are"
    with pytest.raises(SpecError, match=words):
        Load().run(needing(classifier_work, {"1x128": 4}))


def test_race_puts_who_meets_the_needs_before_who_is_faster(
    classifier_work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is the faster by far, but not where it counts: it would have been gone by then."""
    seconds = {"1x1x8x8": {"original": 9.0, "sprinter": 1.0, "runner": 4.0}}
    seconds["3x1x8x8"] = {"original": 9.0, "sprinter": 6.0, "runner": 3.0}
    shapes = iter(seconds)

    def timed(calls: dict[str, Any], *, each: dict[str, list[float]], **_: Any) -> dict[str, np.ndarray]:
        taken = seconds[next(shapes)]
        each.update({name: [taken[name]] for name in calls})
        return {name: np.asarray([taken[name]]) for name in calls}

    monkeypatch.setattr(races, "rounds", timed)
    folder = present(Verify().laid_out(Verify().questioned(Optimize().run(classifier_work))).served)
    contenders = {"sprinter": folder, "runner": folder}
    task, sizes = present(classifier_work.task), [(1, 1, 8, 8), (3, 1, 8, 8)]
    first = race(task, sizes, contenders, threads=1, needs={"3x1x8x8": 4000.0})
    assert [each.name for each in first] == ["runner", "sprinter"]
    shapes = iter(seconds)
    assert [each.name for each in race(task, sizes, contenders, threads=1)] == ["sprinter", "runner"]
