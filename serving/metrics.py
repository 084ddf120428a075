"""What is counted and timed: told as Prometheus' text at `GET /metrics`, and to CloudWatch as lines of the log.

Everything is counted in the event loop's thread, so that nothing needs a lock.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

PHASES = ("queue", "preprocess", "model", "postprocess")

REPLACED = ("died", "hung", "stuck")
"""Why one of several workers had to be replaced: it ended, its event loop stood still, or its model never came back."""

UNITS = {
    "Requests": "Count",
    "ClientErrors": "Count",
    "ServerErrors": "Count",
    "InFlight": "Count",
    "QueueLength": "Count",
    "Latency": "Milliseconds",
}
"""CloudWatch's metrics, and the unit of each."""

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_INPUTS = (1, 2, 4, 8, 16, 32, 64, 128)
_MOST_SAMPLES = 100  # that CloudWatch takes of one metric in one line
_CLIENT_ERROR, _SERVER_ERROR = 400, 500


class Histogram:
    """How many values were at most each of some bounds, and their sum."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def state(self) -> dict[str, Any]:
        """Return all that it has counted."""
        return {"counts": self._counts, "sum": self._sum}

    def add(self, state: Mapping[str, Any]) -> None:
        """Count what another has counted."""
        self._counts = [mine + its for mine, its in zip(self._counts, state["counts"], strict=True)]
        self._sum += state["sum"]

    def lines(self, name: str, label: str = "") -> Iterator[str]:
        """Yield the lines of a sample each; `label` is one that all of them bear."""
        total, more = 0, f"{label}," if label else ""
        for bound, count in zip((*self._bounds, "+Inf"), self._counts, strict=True):
            total += count
            yield f'{name}_bucket{{{more}le="{bound}"}} {total}'
        braced = f"{{{label}}}" if label else ""
        yield f"{name}_sum{braced} {self._sum}"
        yield f"{name}_count{braced} {total}"


class Metrics:
    """The numbers of one process, since it began."""

    def __init__(self) -> None:
        self._statuses: Counter[int] = Counter()
        self._total, self._batch = Histogram(_SECONDS), Histogram(_INPUTS)
        self._phases = {phase: Histogram(_SECONDS) for phase in PHASES}
        self._bytes_in = self._bytes_out = self.answers = 0
        self.minute = Minute()
        self.replaced = dict.fromkeys(REPLACED, 0)

    def request(self, status: int, seconds: float, *, bytes_in: int, bytes_out: int) -> None:
        """Count a request, however it ended."""
        self.answers += 1
        self._statuses[status] += 1
        self._total.observe(seconds)
        self._bytes_in += bytes_in
        self._bytes_out += bytes_out
        self.minute.add(status, seconds)

    def answer(self, phases: Sequence[float], batch: int) -> None:
        """Count a request that the model answered.

        Args:
            phases: Seconds, in the order of `PHASES`.
            batch: Inputs that the model was given at once.
        """
        for phase, seconds in zip(self._phases.values(), phases, strict=True):
            phase.observe(seconds)
        self._batch.observe(batch)

    def state(self) -> dict[str, Any]:
        """Return all numbers, as they go into JSON."""
        return {
            "statuses": {str(status): count for status, count in self._statuses.items()},
            "bytes": [self._bytes_in, self._bytes_out],
            "histograms": {name: histogram.state() for name, histogram in self._histograms().items()},
        }

    def add(self, state: Mapping[str, Any]) -> None:
        """Count what another process has counted."""
        self._statuses.update({int(status): count for status, count in state["statuses"].items()})
        self._bytes_in += state["bytes"][0]
        self._bytes_out += state["bytes"][1]
        for name, histogram in self._histograms().items():
            histogram.add(state["histograms"][name])

    def _histograms(self) -> dict[str, Histogram]:
        return {"total": self._total, "batch": self._batch, **self._phases}

    def text(self, *, in_flight: int, queued: int) -> str:
        """Return all numbers in Prometheus' text format."""
        return "\n".join(self._lines(in_flight, queued)) + "\n"

    def _lines(self, in_flight: int, queued: int) -> Iterator[str]:
        yield from _head("slipway_requests_total", "counter", "Requests by the status of their answer.")
        for status, count in sorted(self._statuses.items()):
            yield f'slipway_requests_total{{status="{status}"}} {count}'
        yield from _head("slipway_request_seconds", "histogram", "Time from a request's head to its answer.")
        yield from self._total.lines("slipway_request_seconds")
        yield from _head("slipway_phase_seconds", "histogram", "Time of an answered request, by what it was spent on.")
        for phase, histogram in self._phases.items():
            yield from histogram.lines("slipway_phase_seconds", f'phase="{phase}"')
        yield from _head("slipway_batch_inputs", "histogram", "Inputs that the model was given at once.")
        yield from self._batch.lines("slipway_batch_inputs")
        for name, kind, value, meaning in (
            ("requests_in_flight", "gauge", in_flight, "Requests that the model works on."),
            ("queue_length", "gauge", queued, "Requests that wait for the model."),
            ("request_bytes_total", "counter", self._bytes_in, "Bytes of requests' bodies."),
            ("answer_bytes_total", "counter", self._bytes_out, "Bytes of answers' bodies."),
        ):
            yield from _head(f"slipway_{name}", kind, meaning)
            yield f"slipway_{name} {value}"
        yield from _head("slipway_workers_replaced_total", "counter", "Workers that had to be replaced.")
        for reason, count in self.replaced.items():
            yield f'slipway_workers_replaced_total{{reason="{reason}"}} {count}'


class Minute:
    """What CloudWatch is told of: the requests since it was told the last time."""

    def __init__(self) -> None:
        self.requests = self.client_errors = self.server_errors = 0
        self.seconds: list[float] = []

    def add(self, status: int, seconds: float) -> None:
        """Count a request; of its time, a fair sample is kept."""
        self.requests += 1
        self.client_errors += _CLIENT_ERROR <= status < _SERVER_ERROR
        self.server_errors += status >= _SERVER_ERROR
        if len(self.seconds) < _MOST_SAMPLES:
            self.seconds.append(seconds)
        elif (place := random.randrange(self.requests)) < _MOST_SAMPLES:  # noqa: S311  a sample, not a secret
            self.seconds[place] = seconds


def _head(name: str, kind: str, meaning: str) -> tuple[str, str]:
    return f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"


METRICS = Metrics()
"""One process, one set of numbers."""
