from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.operations.conform.check import CONTRACT, HTTP, INVOKE, Check, Flaw, Need
from slipway.operations.conform.compare import difference

if TYPE_CHECKING:
    from slipway.operations.conform.subject import Subject

_UNHEARD_OF = "application/x-never-heard-of"


class AnswerNamesItsType(Check):
    """An answer says of which media type it is, and that is the one that was asked for."""

    says = "Callers read the answer by its Content-Type, which InvokeEndpoint hands on."
    mend = "set Content-Type on every answer to an invocation"
    source = INVOKE
    needs = (Need.EXAMPLE,)

    def run(self, subject: Subject) -> str:
        """Look at the usual answer."""
        given = subject.usual(subject.example).headers.get("content-type", "").partition(";")[0].strip()
        if given == "":
            raise Flaw("the answer has no Content-Type")
        wanted = subject.example.accept
        if wanted is not None and "/" in wanted and not set(wanted) & set(",;*") and given != wanted:
            raise Flaw(f"'{wanted}' was asked for and the answer is '{given}'")
        return f"'{given}'"


class ContentTypeUnknown(Check):
    """A body of a media type that the model does not read is refused with a 4xx."""

    says = "A 5xx counts as the model's fault: alarms go off and rollouts are rolled back for a caller's slip."
    mend = "answer 415 before the body is read"
    source = f"{CONTRACT}; {HTTP}"
    needs = (Need.EXAMPLE,)

    def run(self, subject: Subject) -> str:
        """Send the example as something unheard of."""
        answer = subject.door.ask(replace(subject.example, content_type=_UNHEARD_OF))
        if not answer.blames_the_caller:
            raise Flaw(f"Content-Type '{_UNHEARD_OF}' was answered with {answer.status}")
        return f"refused with {answer.status}"


class AcceptUnknown(Check):
    """An answer of an unknown media type is refused with a 4xx, or given in another type; never a 5xx."""

    says = "A 5xx counts as the model's fault: alarms go off and rollouts are rolled back for a caller's slip."
    mend = "answer 406, or in the type that you have"
    source = HTTP
    needs = (Need.EXAMPLE,)

    def run(self, subject: Subject) -> str:
        """Ask for something unheard of."""
        answer = subject.door.ask(replace(subject.example, accept=_UNHEARD_OF))
        if not answer.good and not answer.blames_the_caller:
            raise Flaw(f"Accept '{_UNHEARD_OF}' was answered with {answer.status}")
        return f"answered with {answer.status}"


class CharsetTaken(Check):
    """A media type with a charset is the same media type."""

    says = "Many clients write 'application/json; charset=utf-8' without asking, and would be refused."
    mend = "compare the media type alone, and take its parameters apart"
    source = HTTP
    needs = (Need.EXAMPLE,)

    def run(self, subject: Subject) -> str:
        """Send the example with a charset."""
        example = subject.example
        plain = example.content_type.partition(";")[0].strip()
        if not example.is_json and not plain.startswith("text/"):
            return f"'{plain}' has no charset"
        answer = subject.door.ask(replace(example, content_type=f"{plain}; charset=utf-8"))
        if not answer.good:
            raise Flaw(f"'{plain}; charset=utf-8' was answered with {answer.status}")
        usual = subject.usual(example)
        if subject.steady(example) and (other := difference(usual.body, answer.body)) is not None:
            raise Flaw(f"with a charset the answer is another one: {other}")
        return f"'{plain}; charset=utf-8' is answered alike"
