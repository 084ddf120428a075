"""What more inputs would say, by drawing these ones again: the same draws every time."""

from __future__ import annotations

import numpy as np

RESAMPLES = 2000
CONFIDENCE = 0.95


def lower_bound(values: np.ndarray) -> float:
    """Return what the mean of more such values exceeds with 95 % confidence, by the bootstrap's percentiles.

    Args:
        values: One for each input, (n,).
    """
    return float(np.quantile(values[_resamples(len(values))].mean(axis=1), 1 - CONFIDENCE))


def upper_bound(values: np.ndarray) -> float:
    """Return what the mean of more such values stays below with 95 % confidence."""
    return -lower_bound(-values)


def upper_bound_of_ratio(above: np.ndarray, below: np.ndarray) -> float:
    """Return what the ratio of two sums over more such inputs stays below with 95 % confidence.

    Args:
        above: One for each input, (n,).
        below: Likewise, of the same inputs.
    """
    drawn = _resamples(len(above))
    return float(np.quantile(above[drawn].sum(axis=1) / below[drawn].sum(axis=1), CONFIDENCE))


def covered(count: int) -> float:
    """Return the share of all inputs that stays below the largest of `count` values, with 95 % confidence.

    A bootstrap never draws more than the largest that it has, so it has nothing to say of a maximum; ranks do: if a
    smaller share stayed below, `count` inputs in a row would have done so in fewer than 5 % of all cases.
    """
    return float((1 - CONFIDENCE) ** (1 / count))


def _resamples(count: int) -> np.ndarray:
    """Return which inputs each of the resamples draws, (RESAMPLES, count)."""
    return np.random.default_rng(0).integers(0, count, (RESAMPLES, count))
