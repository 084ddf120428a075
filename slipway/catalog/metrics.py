"""What SageMaker hosting publishes in CloudWatch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.catalog.instance_types import InstanceType

MICROSECONDS_IN: Final = {"Microseconds": 1, "Milliseconds": 1_000, "Seconds": 1_000_000}
"""The units of time that hosting's metrics have."""
COUNTING: Final = frozenset({"SampleCount", "Sum"})
"""Statistics that no range of single values bounds."""


@dataclass(frozen=True)
class Metric:
    """One metric under one set of dimensions or more, from ``metrics.json`` (which names its sources).

    Args:
        namespace: Where it is published.
        name: What it is called there.
        dimensions: Each set of dimensions that it is published under, exactly.
        unit: In CloudWatch's words.
        statistics: Those that make sense of it; ``Percentile`` stands for ``p50``, ``p99`` and the like.
        least: The least single value.
        most: The greatest single value; None where there is no bound.
        kinds: Endpoints that publish it.
        source: Key of the page that says so.
        per: What of the machine ``most`` is to be multiplied by; None where it is a bound as it is.
    """

    namespace: str
    name: str
    dimensions: frozenset[frozenset[str]]
    unit: str
    statistics: frozenset[str]
    least: float
    most: float | None
    kinds: frozenset[str]
    source: str
    per: Literal["vcpus", "gpus"] | None = None

    def has(self, statistic: str) -> bool:
        """Tell whether a statistic, such as ``Average`` or ``p99``, makes sense of it."""
        return ("Percentile" if statistic.startswith("p") else statistic) in self.statistics

    def parts(self, machine: InstanceType | None) -> int:
        """How many parts of a machine its values are summed over: cores, GPUs, or 1.

        Raises:
            ValueError: If it takes the machine to know, and that is not given, not known, or has none.
        """
        if self.per is None:
            return 1
        count = None if machine is None else getattr(machine, self.per)
        if not count:
            raise ValueError(f"{self.name} is summed over {self.per}, of which the machine has none that is known")
        return int(count)

    def bounds(self, statistic: str, machine: InstanceType | None = None) -> tuple[float, float]:
        """Return the least and the greatest value that a statistic can have.

        Args:
            statistic: Such as ``Average``.
            machine: That publishes it.
                Default: none, as for metrics of requests.
        """
        if statistic in COUNTING or self.most is None:
            return (0.0 if statistic in COUNTING else self.least), float("inf")
        return self.least, self.most * self.parts(machine)

    def of(self, value: float, unit: str, machine: InstanceType | None = None) -> float:
        """Return a value of a user's unit in the metric's own.

        Args:
            value: To be converted.
            unit: The value's: of time, or ``Percent`` of the whole machine, or what the metric's is.
            machine: That publishes it.

        Raises:
            ValueError: If the metric is not measured in anything of that kind.
        """
        if unit == self.unit:
            return value * self.parts(machine)
        if unit in MICROSECONDS_IN and self.unit in MICROSECONDS_IN:
            return value * MICROSECONDS_IN[unit] / MICROSECONDS_IN[self.unit]
        raise ValueError(f"{self.name} is measured in {self.unit}, which {unit} cannot be converted to")


@cache
def metrics() -> tuple[Metric, ...]:
    """Every metric of hosting."""
    rows = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))["metrics"]
    return tuple(
        Metric(
            dimensions=frozenset(frozenset(names) for names in row.pop("dimensions")),
            kinds=frozenset(row.pop("kinds")),
            statistics=frozenset(row.pop("statistics")),
            **row,
        )
        for row in rows
    )


def published(name: str, *, kind: str, dimensions: Iterable[str]) -> Metric | None:
    """Return the metric that a kind of endpoint publishes under exactly these dimensions; None where it does not."""
    return _index().get((name, kind, frozenset(dimensions)))


def find_metric(name: str, *, kind: str, dimensions: Iterable[str]) -> Metric:
    """Return the metric that a kind of endpoint publishes under exactly these dimensions.

    Raises:
        ValueError: If it does not, with what it does instead.
    """
    names = frozenset(dimensions)
    metric = published(name, kind=kind, dimensions=names)
    if metric is not None:
        return metric
    known = [metric for metric in metrics() if metric.name == name]
    if not known:
        raise ValueError(f"hosting publishes no metric {name}")
    kinds = sorted({kind for metric in known for kind in metric.kinds})
    if kind not in kinds:
        raise ValueError(f"{name} is published by {', '.join(kinds)}, not by {kind}")
    sets = sorted({" + ".join(sorted(one)) for metric in known if kind in metric.kinds for one in metric.dimensions})
    raise ValueError(f"{name} is published under {' or '.join(sets)}, not under {' + '.join(sorted(names))}")


@cache
def _index() -> dict[tuple[str, str, frozenset[str]], Metric]:
    return {
        (metric.name, kind, names): metric
        for metric in metrics()
        for kind in metric.kinds
        for names in metric.dimensions
    }
