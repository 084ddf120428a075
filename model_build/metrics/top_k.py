from __future__ import annotations

import numpy as np

from model_build.metrics.bootstrap import lower_bound


def top_k_agreement(original: np.ndarray, artifact: np.ndarray, *, k: int) -> dict[str, float]:
    """Return which share of the original's `k` best classes the artifact has among its own `k` best, and its bound.

    Args:
        original: Logits or probabilities, (n, classes).
        artifact: Likewise.
        k: How many classes an answer names; less than there are classes, or every answer would agree.

    Raises:
        ValueError: If there are not more classes than that.
    """
    if not 1 <= k < artifact.shape[1]:
        raise ValueError(f"top {k} of {artifact.shape[1]} classes: at most {artifact.shape[1] - 1} tell anything")
    ours, theirs = _best(artifact, k), _best(original, k)
    shares = (ours & theirs).sum(axis=1) / k
    return {f"top_{k}_agreement": float(shares.mean()), f"top_{k}_agreement_bound": lower_bound(shares)}


def _best(answers: np.ndarray, k: int) -> np.ndarray:
    """Mark the k best of each row, (n, classes); of equals the first."""
    marks = np.zeros(answers.shape, dtype=bool)
    np.put_along_axis(marks, np.argsort(-answers, axis=1, kind="stable")[:, :k], values=True, axis=1)
    return marks
