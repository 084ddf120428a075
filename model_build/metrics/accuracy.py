from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model_build.metrics.bootstrap import lower_bound
from model_build.metrics.largest import largest_difference
from model_build.metrics.measured import WORST, Measured
from model_build.metrics.top_k import top_k_agreement

if TYPE_CHECKING:
    from model_build.tasks import Samples

MAX_ACCURACY_LOSS = 0.01
TOP_K = 5


def accuracy(samples: Samples, original: np.ndarray, artifact: np.ndarray) -> Measured:
    """Count right labels; more than a hundredth below the original is refused whatever the gate."""
    truth = np.asarray(samples.truth)
    right = artifact.argmax(axis=1) == truth
    value, before = float(right.mean()), float((original.argmax(axis=1) == truth).mean())
    same = artifact.argmax(axis=1) == original.argmax(axis=1)
    wrong = [f"held-out input {at}: {artifact[at].argmax()} for {truth[at]}" for at in np.flatnonzero(~right)[:WORST]]
    refusal = ""
    if value < before - MAX_ACCURACY_LOSS:
        loss = f"{before - value:.4f} below the original's {before:.4f}"
        refusal = f"accuracy {value:.4f} is {loss}, at most {MAX_ACCURACY_LOSS} may be lost"
    k = min(TOP_K, artifact.shape[1] - 1) if samples.top_k is None else samples.top_k
    details = {
        "original": before,
        "agreement_with_original": float(same.mean()),
        "agreement_with_original_bound": lower_bound(same.astype(np.float64)),
        **top_k_agreement(original, artifact, k=k),
        **largest_difference(original, artifact),
    }
    return Measured(value, lower_bound(right.astype(np.float64)), details, tuple(wrong), refusal)
