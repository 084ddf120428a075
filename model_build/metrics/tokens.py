from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model_build.metrics.bootstrap import lower_bound
from model_build.metrics.measured import WORST, Measured, shorten

if TYPE_CHECKING:
    from model_build.tasks import Samples


def next_token_agreement(
    samples: Samples, original: np.ndarray, artifact: np.ndarray, mask: np.ndarray | None = None
) -> Measured:
    """Count places at which artifact and original would say the same token next.

    A text, not a place, is what is drawn again for the bound: places of one text resemble each other.

    Args:
        samples: The texts.
        original: Logits, (n, length, vocabulary).
        artifact: Likewise.
        mask: (n, length), which places are text. Default: all are.
    """
    counted = np.ones(original.shape[:2], dtype=bool) if mask is None else mask.astype(bool)
    same = (original.argmax(axis=2) == artifact.argmax(axis=2)) & counted
    places = counted.sum(axis=1)
    shares = same.sum(axis=1) / np.maximum(places, 1)
    worst = [f"{shares[at]:.4f} for {shorten(samples.inputs[at])}" for at in np.argsort(shares)[:WORST]]
    details = {"minimum": float(shares.min()), "places": float(places.sum())}
    return Measured(float(shares.mean()), lower_bound(shares), details, tuple(worst))
