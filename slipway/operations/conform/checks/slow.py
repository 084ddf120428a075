from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from slipway.operations.conform.check import CONTRACT, HTTP, Check, Flaw, Need
from slipway.operations.conform.subject import together

if TYPE_CHECKING:
    from slipway.operations.conform.subject import Subject

_PIECES = 8
_PAUSE_SECONDS = 0.15
_SLOW_CALLERS = 32
_LEAST_SECONDS = 2.0
_TIMES = 10
_PUSH_SECONDS = 1.0
_UNREAD = 4
_AGAIN_SECONDS = 0.05


class DribbledBodyAnswered(Check):
    """A body that comes in small pieces is answered like any other."""

    says = "Requests over slow networks come so, and would fail."
    mend = "read until Content-Length is there, however many reads it takes"
    source = HTTP
    needs = (Need.SERVER, Need.EXAMPLE)

    def run(self, subject: Subject) -> str:
        """Send the example in pieces, with pauses."""
        example = subject.example
        size = -(-len(example.body) // _PIECES)
        with subject.address.connect() as connection:
            connection.head(
                "POST", subject.http.route, [*example.headers(), ("content-length", str(len(example.body)))]
            )
            for begin in range(0, len(example.body), size):
                time.sleep(_PAUSE_SECONDS)
                connection.body(example.body[begin : begin + size])
            connection.end()
            subject.require_usual(example, connection.answer(), "when its body came in pieces")
        return f"{_PIECES} pieces over {_PIECES * _PAUSE_SECONDS:.1f} s"


class SlowCallersHoldNobodyUp(Check):
    """Callers whose bodies do not come to an end hold up nobody else."""

    says = "A few slow callers, or one who means harm, stop the endpoint for all others."
    mend = "read bodies in a loop and not in the workers; give up on one after a minute"
    source = CONTRACT
    needs = (Need.SERVER, Need.EXAMPLE)

    def run(self, subject: Subject) -> str:
        """Open many requests, send half of each, and ask as usual."""
        example = subject.example
        bound = _bound(subject)
        with ExitStack() as stack:
            for _ in range(_SLOW_CALLERS):
                connection = stack.enter_context(subject.address.connect())
                connection.head(
                    "POST", subject.http.route, [*example.headers(), ("content-length", str(len(example.body)))]
                )
                connection.body(example.body[: len(example.body) // 2])
            took = _in_time(subject, bound, f"beside {_SLOW_CALLERS} callers who are slow")
        return f"answered in {took:.2f} s beside {_SLOW_CALLERS} slow callers"


class UnreadAnswersHoldNobodyUp(Check):
    """Callers who do not read their answers hold up nobody else."""

    says = "A caller that hangs stops the endpoint for all others."
    mend = "write answers without waiting in a worker, and stop reading from who does not read"
    source = CONTRACT
    needs = (Need.SERVER, Need.EXAMPLE)

    def run(self, subject: Subject) -> str:
        """Send requests one after the other, read nothing, and ask as usual."""
        example = subject.example
        bound = _bound(subject)
        lines = [f"POST {subject.address.path}{subject.http.route} HTTP/1.1", f"host: {subject.address.host}"]
        lines += [f"{name}: {value}" for name, value in example.headers()]
        head = "\r\n".join([*lines, f"content-length: {len(example.body)}", "", ""]).encode()
        with ExitStack() as stack:
            rude = [stack.enter_context(subject.address.connect(receive_bytes=4096)) for _ in range(_UNREAD)]
            pushed = sum(
                int(str(taken))
                for taken in together([partial(one.push, head + example.body, _PUSH_SECONDS) for one in rude])
            )
            took = _in_time(subject, bound, f"beside {_UNREAD} callers who do not read")
        return f"answered in {took:.2f} s beside {_UNREAD} callers who sent {pushed} bytes and read none"


def _bound(subject: Subject) -> float:
    return max(_LEAST_SECONDS, _TIMES * subject.usual(subject.example).seconds)


def _in_time(subject: Subject, bound: float, when: str) -> float:
    """Ask as usual, again where there is too much to do, and return after how long the answer was there."""
    began = time.monotonic()
    while (answer := subject.door.ask(subject.example, seconds=1.5 * bound)).refuses:
        if time.monotonic() - began > bound:
            raise Flaw(f"{subject.example.name} was refused with {answer.status} for {bound:.1f} s {when}")
        time.sleep(_AGAIN_SECONDS)
    subject.require_usual(subject.example, answer, when)
    took = time.monotonic() - began
    if took > bound:
        raise Flaw(f"the example took {took:.1f} s {when}, and {subject.usual(subject.example).seconds:.2f} s alone")
    return took
