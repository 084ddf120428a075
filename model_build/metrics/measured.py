"""What every metric returns, and the words for an input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from model_build.tasks import Samples

WORST = 3
"""Inputs that are named."""


@dataclass(frozen=True)
class Measured:
    """One metric over all samples.

    Args:
        value: Over all of them.
        bound: What the gate judges: the value is above it with 95 % confidence.
        details: Further figures by name.
        worst: The inputs that did worst, in words, worst first.
        refusal: Why the artifact must not be, whatever the value; empty where nothing is wrong.
    """

    value: float
    bound: float
    details: dict[str, float]
    worst: tuple[str, ...]
    refusal: str = ""


class Metric(Protocol):
    """A function of the samples, the original's answers and the artifact's, each with an entry for each sample."""

    def __call__(self, samples: Samples, original: np.ndarray, artifact: np.ndarray) -> Measured:
        """Measure."""


def shorten(text: Any, limit: int = 60) -> str:
    """Return an input as words that fit a line."""
    words = str(text)
    return repr(words if len(words) <= limit else f"{words[:limit]}…")
