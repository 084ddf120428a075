from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from slipway.operations.conform.check import INVOKE, Check, Flaw, Need

if TYPE_CHECKING:
    from slipway.operations.conform.subject import Subject

_MEBI = 1024 * 1024
_TOO_LARGE = 413


class _Payload(Check):
    says = "A large request that is neither answered nor refused holds its caller for a minute, or ends the server."
    mend = "refuse a body above your bound with 413 by its Content-Length, and by count where it has none"
    source = INVOKE
    mebibytes: ClassVar[int]

    def run(self, subject: Subject) -> str:
        """Send the example with so many spaces behind it, or so often; then the example alone."""
        example, size = subject.example, self.mebibytes * _MEBI
        subject.usual(example)
        body = example.body.ljust(size) if example.is_json else (example.body * (size // len(example.body) + 1))[:size]
        answer = subject.door.ask(replace(example, body=body))
        if example.is_json and answer.good:
            subject.require_usual(example, answer, f"with {self.mebibytes} MiB of spaces behind it")
        elif answer.status != _TOO_LARGE and (example.is_json or not (answer.good or answer.blames_the_caller)):
            raise Flaw(f"{self.mebibytes} MiB were answered with {answer.status}, accepted is an answer or 413")
        subject.require_usual(example, subject.door.ask(example), f"after one of {self.mebibytes} MiB")
        return f"answered with {answer.status}, and so was the next one"


class SixMebibytes(_Payload):
    """A request of 6 MiB, which is what SageMaker has always let through, is answered, or refused with 413."""

    needs = (Need.EXAMPLE,)
    mebibytes = 6


class TwentyFiveMebibytes(_Payload):
    """A request of 25 MiB, which is what SageMaker's newest page lets through, is answered, or refused with 413."""

    needs = (Need.SERVER, Need.EXAMPLE)
    mebibytes = 25
