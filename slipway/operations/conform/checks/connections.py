from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.operations.conform.check import HTTP, INVOKE, Check, Flaw, Need
from slipway.operations.conform.door import ATTRIBUTES

if TYPE_CHECKING:
    from slipway.operations.conform.subject import Subject

_TIMES = 3
_ATTRIBUTES = "trace=conform-7f3a; tenant=blue"
_LONGEST = 1024


class ConnectionKept(Check):
    """One connection takes several requests, one after the other."""

    says = "SageMaker keeps connections; each request would cost a new one, and those in between would fail."
    mend = "speak HTTP/1.1, give every answer a length, and keep the connection open longer than a minute"
    source = HTTP
    needs = (Need.SERVER, Need.EXAMPLE)

    def run(self, subject: Subject) -> str:
        """Ask several times on one."""
        example = subject.example
        with subject.address.connect() as connection:
            for _ in range(_TIMES):
                answer = connection.request("POST", subject.http.route, example.headers(), example.body)
                if answer.headers.get("connection", "").lower() == "close":
                    raise Flaw("the answer says 'connection: close'")
                subject.require_usual(example, answer, "on a connection that is kept")
        return f"{_TIMES} requests on one connection"


class ChunkedBodyAnswered(Check):
    """A body that comes in chunks, without a length, is answered like any other."""

    says = "Clients and proxies that stream their bodies send them so, and would fail."
    mend = "read Transfer-Encoding: chunked, as HTTP/1.1 asks of every server"
    source = HTTP
    needs = (Need.SERVER, Need.EXAMPLE)

    def run(self, subject: Subject) -> str:
        """Send the example in three chunks."""
        example = subject.example
        size = max(1, -(-len(example.body) // 3))
        with subject.address.connect() as connection:
            connection.head("POST", subject.http.route, [*example.headers(), ("transfer-encoding", "chunked")])
            for begin in range(0, len(example.body), size):
                connection.body(example.body[begin : begin + size])
            connection.end()
            subject.require_usual(example, connection.answer(), "when its body came in chunks")
        return "answered like any other"


class CustomAttributesTaken(Check):
    """A request with custom attributes is answered, and attributes of an answer are ones that SageMaker hands on."""

    says = "Callers who send a trace or a tenant with X-Amzn-SageMaker-Custom-Attributes are refused."
    mend = "take the header, and give back at most 1024 visible ASCII characters in it"
    source = INVOKE
    needs = (Need.EXAMPLE,)

    def run(self, subject: Subject) -> str:
        """Ask with some."""
        answer = subject.door.ask(subject.example, attributes=_ATTRIBUTES)
        subject.require_usual(subject.example, answer, "with custom attributes")
        given = answer.headers.get(ATTRIBUTES)
        if given is None:
            return "taken, and none given back"
        if len(given) > _LONGEST or not (given.isascii() and given.isprintable()):
            raise Flaw(f"the answer's custom attributes are {len(given)} characters, or not all visible ASCII")
        return "taken and given back" if given == _ATTRIBUTES else "taken, and others given back"
