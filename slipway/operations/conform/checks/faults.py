from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.operations.conform.check import CONTRACT, HTTP, Check, Flaw, Need

if TYPE_CHECKING:
    from slipway.operations.conform.subject import Subject

_NOT_FOUND, _NOT_ALLOWED = 404, 405
_BINARY = bytes(range(256)) * 4
_SECONDS = 5.0


class MalformedBodyRefused(Check):
    """A body that cannot be read, or is empty, is refused with a 4xx."""

    says = "A 5xx counts as the model's fault: alarms go off and rollouts are rolled back for a caller's slip."
    mend = "read and check the body before the model sees it, and answer 400 or 422 with what is wrong"
    source = CONTRACT
    needs = (Need.EXAMPLE,)

    def run(self, subject: Subject) -> str:
        """Send a body that breaks off, one of every byte, and none."""
        example, seen = subject.example, []
        bodies = {"breaks off": example.body[: len(example.body) // 2], "is no text": _BINARY, "is empty": b""}
        for how, body in bodies.items():
            status = subject.door.ask(replace(example, body=body)).status
            if status >= 500 or (example.is_json and not 400 <= status < 500):  # noqa: PLR2004
                raise Flaw(f"a body that {how} was answered with {status}")
            seen.append(str(status))
        return f"answered with {', '.join(seen)}"


class UnknownRouteRefused(Check):
    """A route that there is not is answered with 404."""

    says = "Whoever probes the server takes it for something that it is not."
    mend = "answer 404 for what is neither /ping nor /invocations"
    source = HTTP
    needs = (Need.SERVER,)

    def run(self, subject: Subject) -> str:
        """Ask for one."""
        with subject.address.connect(_SECONDS) as connection:
            status = connection.request("GET", "/no-such-route").status
        if status != _NOT_FOUND:
            raise Flaw(f"GET /no-such-route was answered with {status}")
        return "404"


class WrongMethodRefused(Check):
    """GET on the route of invocations is answered with 405."""

    says = "A 5xx counts as the model's fault, and a 200 hides a caller's slip."
    mend = "answer 405 with Allow: POST"
    source = HTTP
    needs = (Need.SERVER,)

    def run(self, subject: Subject) -> str:
        """Ask with the wrong one."""
        with subject.address.connect(_SECONDS) as connection:
            status = connection.request("GET", subject.http.route).status
        if status != _NOT_ALLOWED:
            raise Flaw(f"GET {subject.http.route} was answered with {status}")
        return "405"


class NoiseRefused(Check):
    """What is no HTTP is refused, or the connection closed; nobody waits for more of it."""

    says = "A port scan or a caller that speaks TLS holds a connection, or a thread, for ever."
    mend = "answer 400 to what does not begin as a request does, and close"
    source = HTTP
    needs = (Need.SERVER,)

    def run(self, subject: Subject) -> str:
        """Begin a TLS handshake with a server that speaks none."""
        with subject.address.connect(_SECONDS) as connection:
            connection.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n" + _BINARY + b"\r\n\r\n")
            said = connection.silence()
        line = said.split(b"\r\n", 1)[0].decode("latin-1")
        if line and " 4" not in line:
            raise Flaw(f"it was answered with '{line[:60]}'")
        return f"'{line}'" if line else "the connection was closed"
