from __future__ import annotations

import time

from slipway.operations.conform.answer import NoAnswerError
from slipway.operations.conform.check import CONTRACT, Check, Flaw, Need
from slipway.operations.conform.process import PING_SECONDS
from slipway.operations.conform.subject import Subject, together

_EVERY_SECONDS = 0.02
_PINGS = 10
_CONNECTIONS = 32
_ROUNDS = 3
_CONNECT_SECONDS = 0.25
_OK = 200
_WATCHED_SECONDS, _TIMES = 5.0, 2


class PingWhenReady(Check):
    """GET /ping answers 200 when the model answers, and not before."""

    says = "SageMaker sends requests as soon as /ping says 200; those that come before the model answers fail."
    mend = "load the model, let it answer once, and only then let /ping say 200; 503 until then"
    source = CONTRACT
    needs = (Need.SERVER, Need.PROCESS, Need.EXAMPLE)
    stops = True

    def run(self, subject: Subject) -> str:
        """Start the server, and ask it the moment that it says it is ready."""
        process = subject.process
        assert process is not None  # noqa: S101  Need.PROCESS
        process.kill()
        process.start()
        began = time.monotonic()
        process.wait_ready(subject.ping)
        took = time.monotonic() - began
        subject.prepare()
        try:
            answer = subject.door.ask(subject.example)
        except NoAnswerError as error:
            raise Flaw(f"/ping said 200 after {took:.1f} s and the next invocation had no answer: {error}") from error
        if not answer.good:
            raise Flaw(f"/ping said 200 after {took:.1f} s and the next invocation was answered with {answer.status}")
        return f"ready after {took:.1f} s, and the next invocation was answered"


class PingInTime(Check):
    """GET /ping answers within two seconds, also while many callers are served."""

    says = "SageMaker takes the container for dead after a few late pings, and replaces the machine."
    mend = "answer /ping from what is known, in a thread or loop that no invocation holds up"
    source = CONTRACT
    needs = (Need.SERVER,)

    def run(self, subject: Subject) -> str:
        """Ping while callers ask."""
        slowest = 0.0

        def ping() -> None:
            nonlocal slowest
            for _ in range(_PINGS):
                began = time.monotonic()
                status = subject.http.ping(PING_SECONDS).status
                slowest = max(slowest, time.monotonic() - began)
                if status != _OK:
                    raise Flaw(f"/ping says {status} while the server is asked")
                time.sleep(_EVERY_SECONDS)

        asked = subject.slow or (subject.example if subject.examples else None)
        callers = [] if asked is None else [lambda: subject.door.ask(asked)] * subject.callers
        together([ping, *callers])
        if slowest > PING_SECONDS:
            raise Flaw(f"/ping took {slowest:.2f} s, accepted are {PING_SECONDS:g}")
        return f"at most {slowest * 1000:.0f} ms while {len(callers)} callers asked"


class PingNeverAfterFailedLoad(Check):
    """A server whose model cannot be loaded never says that it is ready; it ends, or says otherwise."""

    says = "The endpoint comes into service without a model, and a deployment that ought to roll back succeeds."
    mend = "end with an exit code other than 0 where the model does not load"
    source = CONTRACT
    needs = (Need.SERVER, Need.FAILING)
    stops = True

    def run(self, subject: Subject) -> str:
        """Start it and ping until it ends, or for longer than the good one takes to be ready."""
        process = subject.failing
        assert process is not None  # noqa: S101  Need.FAILING
        if subject.process is not None:
            subject.process.kill()
        process.start()
        try:
            usual = 0.0 if subject.process is None else subject.process.ready_seconds
            watched = min(_WATCHED_SECONDS + _TIMES * usual, process.startup_seconds)
            end = time.monotonic() + watched
            while process.runs and time.monotonic() < end:
                if subject.ping(PING_SECONDS) == _OK:
                    raise Flaw("/ping says 200 although the model cannot be loaded")
                time.sleep(_EVERY_SECONDS)
            code = process.code
        finally:
            process.kill()
        if code == 0:
            raise Flaw("the server ended with 0 although the model cannot be loaded")
        return f"it ended with {code}" if code is not None else f"it stayed, and said no 200 in {watched:.0f} s"


class ConnectionsAccepted(Check):
    """Connections are taken within 250 ms, also many at once."""

    says = "SageMaker gives up a connection that is not taken within 250 ms, and the caller gets a 5xx."
    mend = "listen with a longer backlog, and take connections in a thread that does nothing else"
    source = CONTRACT
    needs = (Need.SERVER,)

    def run(self, subject: Subject) -> str:
        """Open many connections at once and keep them."""

        def connect() -> float:
            began = time.monotonic()
            with subject.address.connect(PING_SECONDS):
                took = time.monotonic() - began
                time.sleep(_CONNECT_SECONDS)
            return took

        # The least of a few rounds: a busy machine is late once, a short backlog every time.
        rounds = ([float(str(took)) for took in together([connect] * _CONNECTIONS)] for _ in range(_ROUNDS))
        slowest = min(max(each) for each in rounds)
        if slowest > _CONNECT_SECONDS:
            raise Flaw(f"of {_CONNECTIONS} connections at once one was taken after {slowest * 1000:.0f} ms")
        return f"{_CONNECTIONS} at once, the slowest after {slowest * 1000:.0f} ms"
