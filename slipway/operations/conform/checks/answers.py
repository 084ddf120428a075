from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.operations.conform.check import CONTRACT, INVOKE, Check, Flaw, Need

if TYPE_CHECKING:
    from slipway.operations.conform.subject import Subject

_LIMIT_SECONDS = 60.0


class ExampleAnswered(Check):
    """The example is answered with 200, and within 60 seconds."""

    says = "SageMaker ends an invocation after 60 s, and the caller gets an error."
    mend = "answer faster, stream, or host the model asynchronously"
    source = INVOKE
    needs = (Need.EXAMPLE,)

    def run(self, subject: Subject) -> str:
        """Ask each example, and the slow one."""
        asked = [*subject.examples, *([] if subject.slow is None else [subject.slow])]
        slowest = max(subject.usual(example).seconds for example in asked)
        if slowest > _LIMIT_SECONDS:
            raise Flaw(f"an answer took {slowest:.1f} s, SageMaker waits {_LIMIT_SECONDS:g}")
        return f"{len(asked)} answered, the slowest in {slowest:.3f} s"


class OriginalsAnswer(Check):
    """The answers are the original model's."""

    says = "Whatever else the server does right, it serves another model, or reads its inputs wrongly."
    mend = "compare what goes into the model and what comes out of it with the original, step by step"
    source = f"{CONTRACT}; slipway, docs/decisions/0002"
    needs = (Need.EXAMPLE, Need.EXPECTED)

    def run(self, subject: Subject) -> str:
        """Compare."""
        assert subject.judge is not None  # noqa: S101  Need.EXPECTED
        wrong = subject.judge([subject.usual(example).body for example in subject.examples])
        if wrong is not None:
            raise Flaw(wrong)
        return f"{len(subject.examples)} answers are the original's"
