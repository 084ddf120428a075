from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model_build.metrics.bootstrap import lower_bound
from model_build.metrics.largest import largest_difference
from model_build.metrics.measured import WORST, Measured, shorten

if TYPE_CHECKING:
    from model_build.tasks import Samples


def cosine_similarity(samples: Samples, original: np.ndarray, artifact: np.ndarray) -> Measured:
    """Compare directions: the mean is judged, the minimum and the agreement on nearest neighbours are recorded."""
    ours, theirs = _unit(artifact), _unit(original)
    similarity = np.einsum("nd,nd->n", ours, theirs)
    same = _nearest(ours) == _nearest(theirs)
    worst = [f"{similarity[at]:.4f} for {shorten(samples.inputs[at])}" for at in np.argsort(similarity)[:WORST]]
    details = {
        "minimum": float(similarity.min()),
        "nearest_neighbour_agreement": float(same.mean()),
        "nearest_neighbour_agreement_bound": lower_bound(same.astype(np.float64)),
        **largest_difference(original, artifact),
    }
    return Measured(float(similarity.mean()), lower_bound(similarity), details, tuple(worst))


def _unit(vectors: np.ndarray) -> np.ndarray:
    wide = vectors.astype(np.float64)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12))


def _nearest(vectors: np.ndarray) -> np.ndarray:
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    return np.asarray(similarity.argmax(axis=1))
