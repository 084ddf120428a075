"""Numbers on their way into the emulator's CloudWatch: gathered as they arise, published once a second."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import ministack_cloudwatch as cloudwatch

if TYPE_CHECKING:
    from .places import Place

INVOCATIONS = "AWS/SageMaker"
HOSTS = "/aws/sagemaker/Endpoints"


@dataclass(frozen=True)
class Series:
    """One metric, as CloudWatch tells metrics apart.

    Args:
        unit: In CloudWatch's words, such as ``Microseconds``.
        dimensions: Names with their values.
    """

    place: Place
    namespace: str
    name: str
    unit: str
    dimensions: tuple[tuple[str, str], ...]


class Metrics:
    """What was measured since the last publication.

    Values are kept one by one, each with how often it came, so that percentiles stay exact.
    """

    def __init__(self) -> None:
        self._gathered: dict[Series, Counter[float]] = {}

    def add(self, series: Series, value: float) -> None:
        """Note one value."""
        self._gathered.setdefault(series, Counter())[value] += 1

    def publish(self) -> None:
        """Hand everything over to CloudWatch, stamped now."""
        gathered, self._gathered = self._gathered, {}
        for series, values in gathered.items():
            cloudwatch.store(
                series.place, series.namespace, series.name, series.unit, dict(series.dimensions), dict(values)
            )
