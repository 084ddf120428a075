from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from slipway.operations.conform.check import CONTRACT, Check, Flaw, Need, Untold
from slipway.operations.conform.subject import together

if TYPE_CHECKING:
    from slipway.operations.conform.door import Example
    from slipway.operations.conform.subject import Subject

_GONE = 24
_SENT_SECONDS = 0.3
_TELLING = 4
"""How many times longer all callers must take than one, or nothing is seen of those who went."""


class GoneCallersHarmNobody(Check):
    """Callers who go away before they are answered, in the midst of a request or after it, harm nobody else."""

    says = "Clients time out every day; each would cost others their answers, or the server a thread."
    mend = "treat a closed connection as an end of that request and of nothing else"
    source = CONTRACT
    needs = (Need.SERVER, Need.EXAMPLE)

    def run(self, subject: Subject) -> str:
        """Let callers come and go while others ask."""
        example = subject.example
        subject.usual(example)

        def ask() -> None:
            subject.require_usual(example, subject.insist(example), "while others went away")

        whole, half = partial(_go, subject, example, 1.0), partial(_go, subject, example, 0.5)
        together([*[whole, half] * (_GONE // 2), *[ask] * subject.callers])
        subject.require_usual(example, subject.insist(example), "after others went away")
        return f"{_GONE} went, {subject.callers} others were answered"


class GoneCallersWorkEnds(Check):
    """What a caller asked who has gone away since is not worked on, unless it has begun."""

    says = "A server that is behind works for callers who have long given up, and never catches up."
    mend = "look, before a request is given to the model, whether its connection is still open"
    source = "slipway: SageMaker's contract is silent on it"
    needs = (Need.SERVER, Need.EXAMPLE, Need.SLOW)

    def run(self, subject: Subject) -> str:
        """Measure how long many slow requests take, have as many go away, and ask one more."""
        slow = subject.slow
        assert slow is not None  # noqa: S101  Need.SLOW
        alone = subject.usual(slow).seconds
        began = time.monotonic()
        answers = together([lambda: subject.door.ask(slow).good] * subject.callers)
        taken = sum(answer is True for answer in answers)
        all_of_them = time.monotonic() - began
        if all_of_them < _TELLING * alone:
            raise Untold(
                f"{taken} requests at once took {all_of_them:.1f} s and one {alone:.1f} s: all ran side by side"
            )
        together([partial(_go, subject, slow, 1.0)] * taken)
        began = time.monotonic()
        subject.insist(subject.example)
        waited = time.monotonic() - began
        if waited > all_of_them * 0.6:
            raise Flaw(f"after {taken} callers had gone the next one waited {waited:.1f} s of {all_of_them:.1f} s")
        return f"{taken} answered take {all_of_them:.1f} s; after {taken} had gone the next one waited {waited:.1f} s"


def _go(subject: Subject, example: Example, share: float) -> None:
    """Send a share of a request, and go away."""
    connection = subject.address.connect()
    connection.head("POST", subject.http.route, [*example.headers(), ("content-length", str(len(example.body)))])
    connection.body(example.body[: int(len(example.body) * share)])
    time.sleep(_SENT_SECONDS)
    connection.reset()
