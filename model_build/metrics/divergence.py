from __future__ import annotations

from typing import TYPE_CHECKING

from model_build.metrics.next_tokens import judged

if TYPE_CHECKING:
    import numpy as np

    from model_build.metrics.measured import Measured
    from model_build.tasks import Samples


def kl_similarity(samples: Samples, original: np.ndarray, artifact: np.ndarray) -> Measured:
    """Return e to the minus mean KL divergence of the next token's probabilities: 1 where they are the same."""
    return judged("kl_similarity", samples, original, artifact)
