from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from slipway.operations.conform.check import CONTRACT, Check, Flaw, Need, Untold
from slipway.operations.conform.compare import difference
from slipway.operations.conform.subject import together

if TYPE_CHECKING:
    from slipway.operations.conform.door import Example
    from slipway.operations.conform.subject import Subject

_EACH = 4


class ManyAtOnceAnswered(Check):
    """Of many requests at once each is answered, or refused with 429 or 503 and answered later."""

    says = "SageMaker sends what comes: a server that fails under it fails its callers."
    mend = "queue what you can answer within the minute, and refuse the rest with 503 and Retry-After"
    source = CONTRACT
    needs = (Need.EXAMPLE,)

    def run(self, subject: Subject) -> str:
        """Ask from many threads, several times each."""
        subject.usual(subject.example)

        def ask() -> None:
            for _ in range(_EACH):
                subject.require_usual(subject.example, subject.insist(subject.example), "among many at once")

        together([ask] * subject.callers)
        return f"{subject.callers * _EACH} from {subject.callers} callers at once"


class EachItsOwnAnswer(Check):
    """Of many different requests at once each gets its own answer, and none its neighbour's."""

    says = "Callers get each other's answers, which may be each other's secrets."
    mend = "keep each request with its row of a batch, and share nothing else between requests"
    source = CONTRACT
    needs = (Need.EXAMPLE, Need.SEVERAL)

    def run(self, subject: Subject) -> str:
        """Ask one by one, then all at once."""
        subject.need_steady(*subject.examples)
        answers = [subject.usual(example).body for example in subject.examples]
        if all(difference(answers[0], other) is None for other in answers[1:]):
            raise Untold("all examples have the same answer: give some that differ")

        def ask(example: Example) -> None:
            for _ in range(_EACH):
                answer = subject.insist(example)
                _refuse_a_neighbours(subject, example, answer.body)
                subject.require_usual(example, answer, "among others at once")

        each = [subject.examples[index % len(subject.examples)] for index in range(subject.callers)]
        together([partial(ask, example) for example in each])
        return f"{subject.callers * _EACH} of {len(subject.examples)} kinds at once"


def _refuse_a_neighbours(subject: Subject, example: Example, body: bytes) -> None:
    if difference(subject.usual(example).body, body) is None:
        return
    for other in subject.examples:
        if other is not example and difference(subject.usual(other).body, body) is None:
            raise Flaw(f"{example.name} was given the answer to {other.name}")
