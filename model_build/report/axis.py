"""Logarithmic axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

STEPS: Final = ((1, 1.5, 2, 3, 4, 5, 6, 8), (1, 2, 3, 5), (1, 2, 5), (1,))
"""Marks within a power of ten, the finest first."""
MANY: Final = 8
"""Marks of an axis."""


@dataclass(frozen=True)
class Axis:
    """One axis from values to places in the drawing.

    Args:
        low: Smallest value.
        high: Largest value.
        start: Place of the smallest, in units of the drawing.
        end: Place of the largest; it may lie before the start.
    """

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """Return where a value is drawn; what is beyond an end is drawn at it."""
        kept = min(max(value, self.low), self.high)
        part = math.log(kept / self.low) / math.log(self.high / self.low)
        return round(self.start + part * (self.end - self.start), 2)

    def ticks(self) -> list[tuple[float, float]]:
        """Return round values and their places."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        choices = [[float(f"{step}e{power}") for power in powers for step in steps] for steps in STEPS]
        shown = [[value for value in values if self.low <= value <= self.high] for values in choices]
        chosen = next((values for values in shown if len(values) <= MANY), shown[-1])
        return [(value, self.place(value)) for value in chosen]
