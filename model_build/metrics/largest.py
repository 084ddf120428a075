from __future__ import annotations

import numpy as np

from model_build.metrics.bootstrap import covered


def largest_difference(original: np.ndarray, artifact: np.ndarray) -> dict[str, float]:
    """Return the largest difference of any number, and the share of all inputs that stays below it.

    Args:
        original: Answers, an entry for each input.
        artifact: Likewise.
    """
    apart = np.abs(flat(artifact) - flat(original)).max(axis=1)
    return {"largest_difference": float(apart.max()), "largest_difference_covers": covered(len(apart))}


def flat(answers: np.ndarray) -> np.ndarray:
    """Return a row for each input, (n, numbers), in float64."""
    return answers.reshape(len(answers), -1).astype(np.float64)
