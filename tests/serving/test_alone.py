"""Who asks alone for quick things is answered in the event loop's own thread; nobody else is."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from serving import engine as engines
from serving.engine import Ask, Engine
from serving.negotiate import JSON
from serving.pace import Pace
from serving.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

ANNA, BERTA = ("127.0.0.1", 4001), ("127.0.0.1", 4002)


def each(parts: Sequence[Callable[[], str]]) -> list[str | Exception]:
    return [part() for part in parts]


async def threads_of(callers: Sequence[object], *, most: int = 1) -> list[bool]:
    """Return, of requests that come one after the other, whether the loop did each itself."""
    workers: Workers[Any, str] = Workers(2, 8, join=each, most=most, delay_seconds=0)

    async def ask(caller: object) -> bool:
        work = threading.current_thread
        job = workers.submit(lambda _: work().name, caller=caller, is_quick=caller is not None)
        return await job.future == threading.main_thread().name

    return [await ask(caller) for caller in callers]


@pytest.mark.parametrize("most", [1, 8])
def test_one_caller_who_stays_alone_is_answered_without_a_thread(most: int) -> None:
    found = asyncio.run(threads_of([ANNA] * 20, most=most))
    assert found == [False] * 9 + [True] * 11


def test_callers_in_turns_have_threads() -> None:
    """Each finds nobody: the loop takes nobody in while it works."""
    assert not any(asyncio.run(threads_of([ANNA, BERTA] * 20)))
    assert asyncio.run(threads_of([ANNA] * 12 + [BERTA] + [ANNA] * 5)) == [False] * 9 + [True] * 3 + [False] * 6


def test_what_is_not_quick_has_a_thread_and_the_next_has_none() -> None:
    async def ask() -> list[bool]:
        workers: Workers[Any, str] = Workers(2, 8, join=each, most=1, delay_seconds=0)
        work, found = threading.current_thread, []
        for is_quick in [True] * 10 + [False, True]:
            name = await workers.submit(lambda _: work().name, caller=ANNA, is_quick=is_quick).future
            found.append(name == threading.main_thread().name)
        return found

    assert asyncio.run(ask()) == [False] * 9 + [True, False, True]


def test_who_is_nobody_has_threads() -> None:
    assert asyncio.run(threads_of([ANNA] * 10 + [None] + [ANNA] * 3)) == [False] * 9 + [True] + [False] * 4


def test_request_beside_another_has_a_thread() -> None:
    async def ask() -> str:
        workers: Workers[Any, str] = Workers(2, 8, join=each, most=1, delay_seconds=0)
        for _ in range(12):
            await workers.submit(lambda _: "", caller=ANNA, is_quick=True).future
        going_on = threading.Event()
        other = workers.submit(lambda _: str(going_on.wait(10)))
        name = await workers.submit(lambda _: threading.current_thread().name, caller=ANNA, is_quick=True).future
        going_on.set()
        assert await other.future == "True"
        return name

    assert asyncio.run(ask()).startswith("worker")


def test_error_in_the_loop_is_its_requests_own() -> None:
    async def ask() -> tuple[int, str]:
        workers: Workers[Any, str] = Workers(1, 8, join=each, most=1, delay_seconds=0)
        for _ in range(12):
            await workers.submit(lambda _: "", caller=ANNA, is_quick=True).future
        with pytest.raises(ZeroDivisionError):
            await workers.submit(lambda _: str(1 / 0), caller=ANNA, is_quick=True).future
        return workers.admitted, await workers.submit(lambda _: "next", caller=ANNA, is_quick=True).future

    assert asyncio.run(ask()) == (0, "next")


def ask_of(inputs: list[Any]) -> Ask:
    return Ask(orjson.dumps({"inputs": inputs}), JSON, JSON)


@pytest.fixture
def engine(classifier: Path) -> Engine:
    found = Engine(max_batch=64)
    found.load(classifier, 1)
    found.state = engines.READY
    return found


def test_engine_learns_which_of_its_requests_are_quick(engine: Engine) -> None:
    one, two = ask_of([[0.0] * 4]), ask_of([[0.0] * 4] * 2)
    assert not engine.is_quick(one)
    engine.answer(one, alone=True)
    assert engine.is_quick(one)
    assert not engine.is_quick(two)


def test_quick_is_what_is_no_larger_than_what_was_quick() -> None:
    pace = Pace()
    assert not pace.is_quick(0)
    pace.note(100, 0.004, alone=False)
    assert [pace.is_quick(size) for size in (1, 100, 101)] == [True, True, False]
    pace.note(100, 0.06, alone=False)  # it had others beside it
    pace.note(100, 0.04, alone=True)  # so much may come of the machine
    assert pace.is_quick(100)
    pace.note(100, 0.06, alone=True)
    assert [pace.is_quick(size) for size in (50, 51)] == [True, False]
    pace.note(100, 0.004, alone=False)
    assert pace.is_quick(100)
    pace.note(5000, 0.004, alone=True)
    assert [pace.is_quick(size) for size in (4096, 4097)] == [True, False]


def test_what_once_held_the_loop_up_is_never_quick_again() -> None:
    pace = Pace()
    pace.note(100, 0.004, alone=True)
    pace.note(60, 2.0, alone=False)  # it had others beside it
    pace.note(100, 0.004, alone=True)
    assert pace.is_quick(100)
    pace.note(60, 2.0, alone=True)
    pace.note(100, 0.004, alone=True)
    assert [pace.is_quick(size) for size in (59, 60)] == [True, False]
