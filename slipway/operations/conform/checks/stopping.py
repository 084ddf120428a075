from __future__ import annotations

import contextlib
import time
from functools import partial
from typing import TYPE_CHECKING

from slipway.operations.conform.answer import Answer, NoAnswerError
from slipway.operations.conform.check import CONTRACT, Check, Flaw, Need
from slipway.operations.conform.subject import together

if TYPE_CHECKING:
    from slipway.operations.conform.connection import Connection
    from slipway.operations.conform.door import Example
    from slipway.operations.conform.process import Process
    from slipway.operations.conform.subject import Subject

_UNTIL_SENT_SECONDS = 0.1
_GRACE_SECONDS = 2.0
_EVERY_SECONDS = 0.05
_RUSH_SECONDS = 0.5
_CERTAINLY_SECONDS = 0.1
"""A request that was sent so long before SIGTERM had been read by then."""
_STOPPED_BY_SIGTERM = -15
_ANSWERABLE_SECONDS = 12.0
"""Of SageMaker's 30: no more is asked than a server is done with in them that answers one at a time."""


class AcceptedRequestsAnswered(Check):
    """After SIGTERM the requests that were accepted are answered."""

    says = "Every update and every scale-in of the endpoint costs callers their answers."
    mend = "on SIGTERM stop listening, answer what was accepted, and only then end"
    source = CONTRACT
    needs = (Need.SERVER, Need.PROCESS, Need.EXAMPLE)
    stops = True

    def run(self, subject: Subject) -> str:
        """Ask without a pause on many connections, and end the server in the midst of it."""
        process, example = _running(subject), subject.slow or subject.example
        callers = max(1, min(subject.callers, int(_ANSWERABLE_SECONDS / subject.usual(example).seconds)))
        told: list[float] = []
        counts = [0, 0]

        def stop() -> None:
            time.sleep(_RUSH_SECONDS)
            told.append(time.monotonic())
            process.terminate()

        def ask() -> None:
            with subject.address.connect() as connection:
                while not told or time.monotonic() < told[0] + _GRACE_SECONDS:
                    answer, accepted = _ask(subject, connection, example, told)
                    if accepted is not None:
                        how = "not answered" if answer is None else f"answered with {answer.status} after it"
                        raise Flaw(f"a request that was sent {accepted:.2f} s before SIGTERM was {how}")
                    if answer is None or not answer.good:
                        counts[1] += 1
                        return
                    subject.require_usual(example, answer, "while the server was stopping")
                    counts[0] += 1
                    if not connection.kept:
                        return

        together([*[ask] * callers, stop])
        _require_end(subject, process)
        return f"{counts[0]} answered, none lost, {counts[1]} refused"


def _ask(
    subject: Subject, connection: Connection, example: Example, told: list[float]
) -> tuple[Answer | None, float | None]:
    """Return the answer, and how long before SIGTERM a request was sent that came to nothing after it."""
    began, answer = time.monotonic(), None
    try:
        answer = connection.request("POST", subject.http.route, example.headers(), example.body)
        if answer.good or not told:
            return answer, None
    except NoAnswerError:
        pass
    before = (told[0] if told else time.monotonic()) - began
    return answer, before if before > _CERTAINLY_SECONDS else None


class NothingNewTaken(Check):
    """After SIGTERM no new requests are taken: the connection is refused, or the answer is 503."""

    says = "A server that goes on taking requests never comes to an end, and is killed with some of them."
    mend = "stop listening on SIGTERM, and answer 503 on connections that are kept"
    source = CONTRACT
    needs = (Need.SERVER, Need.PROCESS, Need.EXAMPLE, Need.SLOW)
    stops = True

    def run(self, subject: Subject) -> str:
        """End the server while slow requests are in it, and ask."""
        process, slow = _running(subject), subject.slow
        assert slow is not None  # noqa: S101  Need.SLOW
        seen: set[str] = set()

        def ask() -> None:
            time.sleep(_UNTIL_SENT_SECONDS)
            process.terminate()
            end = time.monotonic() + _GRACE_SECONDS
            time.sleep(_UNTIL_SENT_SECONDS)
            while time.monotonic() < end and process.runs:
                word = _asked_anew(subject)
                seen.add(word)
                if word == "200":
                    raise Flaw("a request that came after SIGTERM was taken and answered with 200")
                time.sleep(_EVERY_SECONDS)

        together([ask, *[partial(_hold, subject, slow)] * 2])
        _require_end(subject, process)
        return f"after SIGTERM: {', '.join(sorted(seen)) or 'it had ended at once'}"


def _hold(subject: Subject, slow: Example) -> None:
    """Give it something to do; whether that is answered is another check's."""
    with contextlib.suppress(NoAnswerError):
        subject.door.ask(slow)


def _asked_anew(subject: Subject) -> str:
    try:
        status = subject.door.ask(subject.example, seconds=_GRACE_SECONDS).status
    except NoAnswerError:
        return "not taken"
    return "200" if status < 300 else str(status)  # noqa: PLR2004


class EndsInTime(Check):
    """After SIGTERM the process ends within 30 seconds, whoever still holds a connection."""

    says = "SageMaker kills it then, with all that it has not finished or written."
    mend = "close idle connections on SIGTERM, and give the rest less than 30 s"
    source = CONTRACT
    needs = (Need.SERVER, Need.PROCESS, Need.EXAMPLE)
    stops = True

    def run(self, subject: Subject) -> str:
        """End it while one connection is idle and a body does not come to its end."""
        process, example = _running(subject), subject.example
        with subject.address.connect() as idle, subject.address.connect() as slow:
            idle.request("POST", subject.http.route, example.headers(), example.body)
            slow.head("POST", subject.http.route, [*example.headers(), ("content-length", str(len(example.body)))])
            slow.body(example.body[: len(example.body) // 2])
            time.sleep(_UNTIL_SENT_SECONDS)
            began = time.monotonic()
            process.terminate()
            code = _require_end(subject, process)
        took = time.monotonic() - began
        if code not in {0, 128 + 15, _STOPPED_BY_SIGTERM}:
            raise Flaw(f"it ended with {code}, as if something had gone wrong")
        return f"after {took:.1f} s with {code}"


class StartsAgain(Check):
    """A server that was stopped starts again at once, on the same port, and answers as before."""

    says = "What is left behind - a port, a lock, a half-written file - keeps the container from coming back."
    mend = "listen with SO_REUSEADDR, and leave nothing that a new start trips over"
    source = CONTRACT
    needs = (Need.SERVER, Need.PROCESS, Need.EXAMPLE)
    stops = True

    def run(self, subject: Subject) -> str:
        """Stop it, start it, ask."""
        process = _running(subject)
        subject.usual(subject.example)
        process.terminate()
        _require_end(subject, process)
        return _started_again(subject, process, "after a restart")


class KilledStartsAgain(Check):
    """A server that was killed while it answered starts again and answers as before."""

    says = "Out of memory ends it so; what it leaves behind keeps the container from coming back."
    mend = "write files whole or not at all, and leave nothing that a new start trips over"
    source = CONTRACT
    needs = (Need.SERVER, Need.PROCESS, Need.EXAMPLE)
    stops = True

    def run(self, subject: Subject) -> str:
        """Kill it under load, start it, ask."""
        process = _running(subject)
        subject.usual(subject.example)

        def kill() -> None:
            time.sleep(_UNTIL_SENT_SECONDS)
            process.kill()

        together([kill, *[partial(_asked_anew, subject)] * subject.callers])
        return _started_again(subject, process, "after it was killed")


def _running(subject: Subject) -> Process:
    assert subject.process is not None  # noqa: S101  Need.PROCESS
    if not subject.process.runs:
        subject.start()
    return subject.process


def _require_end(subject: Subject, process: Process) -> int:
    code = process.wait(subject.stop_seconds)
    if code is None:
        process.kill()
        raise Flaw(f"it had not ended {subject.stop_seconds:g} s after SIGTERM")
    return code


def _started_again(subject: Subject, process: Process, when: str) -> str:
    process.kill()  # its children, if it left any
    began = time.monotonic()
    subject.start()
    took = time.monotonic() - began
    subject.require_usual(subject.example, subject.door.ask(subject.example), when)
    return f"ready after {took:.1f} s, and answers as before"
