"""Each check is red on the server that has its flaw, and green on the one that has none."""

from __future__ import annotations

import json
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slipway.local_cloud.ports import free_port
from slipway.operations.conform import (
    Address,
    Departure,
    Example,
    HttpDoor,
    Need,
    Process,
    Result,
    Subject,
    checks,
    difference,
    run,
)
from slipway.operations.conform.answer import NoAnswerError
from slipway.operations.conform.reference import main
from slipway.operations.conform.run import outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SERVER = Path(__file__).with_name("broken_server.py")
QUESTIONS = {"first": [[1, 2, 3]], "second": [[7, 8]]}
FOR_MANY = [check.id for check in checks() if Need.MODELS in check.needs]


def free_address() -> Address:
    return Address("127.0.0.1", free_port())


def judge(answers: Sequence[bytes]) -> str | None:
    for question, given in zip(QUESTIONS.values(), answers, strict=True):
        right = json.dumps({"predictions": [[2 * number for number in row] for row in question]}).encode()
        if (other := difference(right, given)) is not None:
            return other
    return None


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Result]]:
    """Run checks against the server with a flaw."""
    monkeypatch.setenv("BROKEN_SERVER_FOLDER", str(tmp_path))

    def run_here(
        flaw: str, *only: str, many: bool = False, departures: Sequence[Departure] = (), **changes: Any
    ) -> list[Result]:
        address = free_address()
        command = [sys.executable, str(SERVER), flaw, *(["--multi-model"] if many else [])]
        models = [(name, str(tmp_path / name)) for name in QUESTIONS] if many else []
        for _, folder in models:
            Path(folder).mkdir()
        subject = Subject(
            **{
                "door": HttpDoor(address),
                "examples": tuple(
                    Example(json.dumps({"inputs": rows}).encode(), name=name) for name, rows in QUESTIONS.items()
                ),
                "judge": judge,
                "slow": Example(b'{"inputs": [[1], [2]], "seconds": 0.2}'),
                "stream": "application/jsonlines",
                "models": tuple(models),
                "process": Process(command, address, tmp_path / "log", 60),
                "failing": Process([*command, "--failing"], address, tmp_path / "failing.log", 10),
                "callers": 8,
                "stop_seconds": 8,
                **changes,
            }
        )
        return list(run(subject, only=only, departures=departures))

    return run_here


def test_server_without_a_flaw_passes_every_check(look: Callable[..., list[Result]]) -> None:
    results = look("")
    assert {result.check: result.saw for result in results if result.outcome == "failed"} == {}
    assert {result.check for result in results if result.outcome == "not run"} == set(FOR_MANY)
    assert [result.check for result in results] == [check.id for check in checks()]


def test_multi_model_server_without_a_flaw_passes_every_check(look: Callable[..., list[Result]]) -> None:
    results = look("", *FOR_MANY, "ExampleAnswered", "EachItsOwnAnswer", "StartsAgain", many=True)
    assert {result.check: result.saw for result in results if result.outcome != "passed"} == {}


@pytest.mark.parametrize("name", [check.id for check in checks()])
def test_check_is_red_where_the_server_has_its_flaw(name: str, look: Callable[..., list[Result]]) -> None:
    changes = {"slow": None} if name == "GoneReadersHarmNobody" else {}
    [result] = look(name, name, many=name in FOR_MANY, **changes)
    assert result.outcome == "failed", result.saw
    assert result.saw
    assert result.mend[0].islower()
    assert result.says.endswith(".")


@pytest.mark.parametrize(("sees", "outcome"), [(r"answered with 5\d\d", "departs"), ("answered with 404", "failed")])
def test_failure_departs_when_it_is_what_the_server_is_known_for(
    sees: str, outcome: str, look: Callable[..., list[Result]]
) -> None:
    known = Departure("ContentTypeUnknown", sees, "it was made so", "here")
    [result] = look("ContentTypeUnknown", "ContentTypeUnknown", departures=[known])
    assert (result.outcome, result.why) == (outcome, "it was made so (here)" if outcome == "departs" else "")


def test_child_that_left_the_session_is_ended_too(tmp_path: Path) -> None:
    address = free_address()
    server = f"import subprocess, sys; subprocess.Popen([sys.executable, {str(SERVER)!r}], start_new_session=True)"
    process = Process([sys.executable, "-c", server], address, tmp_path / "own.log", 60)
    process.start()
    assert process.wait(60) == 0
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(NoAnswerError):
            if HttpDoor(address).ping(1).status == 200:
                break
    process.kill()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", address.port), timeout=2)


def test_check_is_not_run_without_what_it_needs(look: Callable[..., list[Result]]) -> None:
    nothing: dict[str, Any] = {"examples": (), "judge": None, "slow": None, "stream": None, "failing": None}
    results = look("", **nothing)
    ran = {result.check for result in results if result.outcome != "not run"}
    assert ran == {check.id for check in checks() if set(check.needs) <= {Need.SERVER, Need.PROCESS}}
    saw = {result.check: result.saw for result in results}
    assert "--example FILE" in saw["ExampleAnswered"]
    assert "--failing-command" in saw["PingNeverAfterFailedLoad"]


def test_what_cannot_be_told_is_not_passed(look: Callable[..., list[Result]]) -> None:
    example = Example(b'{"inputs": [[1]]}')
    [result] = look("", "EachItsOwnAnswer", examples=(example, Example(b'{"inputs": [[1]] }')))
    assert (result.outcome, result.saw) == ("not run", "all examples have the same answer: give some that differ")


class Streaming(HttpDoor):
    """Answers with parts at given times."""

    def __init__(self, *times: float) -> None:
        super().__init__(free_address())
        self._times = times

    def stream(self, example: Example) -> Iterator[tuple[float, bytes]]:  # noqa: ARG002  whatever it is asked
        yield from ((seconds, b"part") for seconds in self._times)


@pytest.mark.parametrize(
    ("times", "outcome"),
    [
        ((0.01, 0.02), "passed"),
        ((0.01, 0.011), "not run"),
        ((0.9, 0.901), "failed"),
        ((0.9,), "failed"),
    ],
)
def test_stream_is_judged_by_the_times_of_its_parts(times: tuple[float, ...], outcome: str) -> None:
    subject = Subject(Streaming(*times), (Example(b"{}"),), stream="text/plain")
    [check] = [each for each in checks() if each.id == "StreamComesInParts"]
    assert outcome_of(check, subject)[0] == outcome


def test_nothing_of_the_server_is_left(look: Callable[..., list[Result]], tmp_path: Path) -> None:
    address = free_address()
    process = Process([sys.executable, str(SERVER)], address, tmp_path / "own.log", 60)
    results = look("", "ExampleAnswered", door=HttpDoor(address), process=process)
    assert [result.outcome for result in results] == ["passed"]
    assert not process.runs
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", address.port), timeout=2)


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ('{"a": [1.0, 2]}', '{"a": [1.0004, 2]}', None),
        ('{"a": [1.0, 2]}', '{"a": [1.1, 2]}', "a[0] is 1.0 and 1.1"),
        ('{"a": [1]}', '{"a": [1, 2]}', "a has 1 and 2 elements"),
        ('{"a": 1}', '{"b": 1}', "the answer has the keys ['a'] and ['b']"),
        ('{"a": "x"}', '{"a": "y"}', "a is 'x' and 'y'"),
        ("1", "true", "the answer is 1 and True"),
        ("no json", "no json either", "b'no json' and b'no json either'"),
    ],
)
def test_difference_is_said_where_it_is(one: str, other: str, said: str | None) -> None:
    assert difference(one.encode(), other.encode()) == said


def test_reference_is_what_the_checks_give() -> None:
    assert main(["--check"]) == 0
