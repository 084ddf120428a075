from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model_build.metrics.bootstrap import upper_bound_of_ratio
from model_build.metrics.largest import flat, largest_difference
from model_build.metrics.measured import WORST, Measured, shorten

if TYPE_CHECKING:
    from model_build.tasks import Samples


def r_squared(samples: Samples, original: np.ndarray, artifact: np.ndarray) -> Measured:
    """Compare numbers: how much of what varies in the original's answers the artifact's explain; 1 is all of it."""
    ours, theirs = flat(artifact), flat(original)
    errors = np.square(ours - theirs).sum(axis=1)
    spread = np.square(theirs - theirs.mean(axis=0)).sum(axis=1)
    worst = [f"{errors[at]:.3g} for {shorten(samples.inputs[at])}" for at in np.argsort(-errors)[:WORST]]
    value = float(1 - errors.sum() / spread.sum())
    bound = 1 - upper_bound_of_ratio(errors, spread)
    return Measured(value, bound, largest_difference(original, artifact), tuple(worst))
