"""Every check, in the order in which they run: those that stop the server last."""

from __future__ import annotations

from slipway.operations.conform.check import Check
from slipway.operations.conform.checks import (
    answers,
    cancelled,
    concurrency,
    connections,
    faults,
    multi_model,
    negotiation,
    payloads,
    ping,
    slow,
    stopping,
    streaming,
)

_ROOMS = (
    *(answers, ping, negotiation, faults, connections, payloads, concurrency, slow, cancelled, streaming),
    *(multi_model, stopping),
)


def checks() -> list[Check]:
    """Return one of each; a check is a class that says what comes of it."""
    found = [
        kind()
        for room in _ROOMS
        for kind in vars(room).values()
        if isinstance(kind, type)
        and issubclass(kind, Check)
        and kind.__module__ == room.__name__
        and "needs" in vars(kind)
    ]
    return sorted(found, key=lambda check: check.stops)
