from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.operations.conform.check import Check, Flaw, Need, Untold
from slipway.operations.conform.subject import together

if TYPE_CHECKING:
    from slipway.operations.conform.door import Example
    from slipway.operations.conform.subject import Subject

_SOURCE = "SageMaker API reference, InvokeEndpointWithResponseStream, 2026-11"
_APART_SECONDS = 0.005
_ROUNDS = 3
_TELLING_SECONDS = 0.1
"""What is answered sooner may well be made as quickly as it comes."""


class StreamComesInParts(Check):
    """A streamed answer comes part by part, while it is made."""

    says = "Whoever waits for a first word waits for the last one, and answers longer than a minute never come."
    mend = "send each part as it is made, chunked, and let nothing gather them on the way"
    source = _SOURCE
    needs = (Need.EXAMPLE, Need.STREAM)

    def run(self, subject: Subject) -> str:
        """Read a stream, and the times of its parts."""
        times = _times(subject)
        for _ in range(_ROUNDS - 1):  # a busy machine gives a reader much at once now and then, a gatherer every time
            if times[-1:] > [seconds + _APART_SECONDS for seconds in times[:1]]:
                break
            times = _times(subject)
        if len(times) < 2:  # noqa: PLR2004
            raise Flaw(f"the stream came in {len(times)} part{'' if len(times) == 1 else 's'}")
        if times[-1] - times[0] < _APART_SECONDS and times[-1] < _TELLING_SECONDS:
            raise Untold(f"{len(times)} parts within {times[-1]:.3f} s: give a --stream-example that takes longer")
        if times[-1] - times[0] < _APART_SECONDS:
            raise Flaw(f"all {len(times)} parts came at once, after {times[0]:.3f} s")
        return f"{len(times)} parts, the first after {times[0]:.3f} s and the last after {times[-1]:.3f} s"


class GoneReadersHarmNobody(Check):
    """Readers who go away in the midst of a stream harm nobody else."""

    says = "Each reader who closes a window costs the others their answers, or the server a thread."
    mend = "end the work of a stream whose connection is closed"
    source = _SOURCE
    needs = (Need.SERVER, Need.EXAMPLE, Need.STREAM)

    def run(self, subject: Subject) -> str:
        """Read the beginnings of many streams, and go away."""
        example = _streamed(subject)

        def leave() -> None:
            with subject.address.connect() as connection:
                connection.head(
                    "POST", subject.http.route, [*example.headers(), ("content-length", str(len(example.body)))]
                )
                connection.body(example.body)
                connection.end()
                next(connection.parts(), None)
                connection.reset()

        together([leave] * subject.callers)
        time.sleep(0.1)
        whole = b"".join(part for _, part in subject.door.stream(example))
        if not whole:
            raise Flaw("after that a stream was empty")
        return f"{subject.callers} went away, and the next stream was whole"


def _times(subject: Subject) -> list[float]:
    return [seconds for seconds, part in subject.door.stream(_streamed(subject)) if part]


def _streamed(subject: Subject) -> Example:
    return replace(subject.streamed or subject.slow or subject.example, accept=subject.stream)
