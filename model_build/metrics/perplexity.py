from __future__ import annotations

from typing import TYPE_CHECKING

from model_build.metrics.next_tokens import judged

if TYPE_CHECKING:
    import numpy as np

    from model_build.metrics.measured import Measured
    from model_build.tasks import Samples


def perplexity_ratio(samples: Samples, original: np.ndarray, artifact: np.ndarray) -> Measured:
    """Return the original's perplexity over the artifact's, on what the original says; 1 where they are the same."""
    return judged("perplexity_ratio", samples, original, artifact)
