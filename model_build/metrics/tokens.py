from __future__ import annotations

from typing import TYPE_CHECKING

from model_build.metrics.next_tokens import judged

if TYPE_CHECKING:
    import numpy as np

    from model_build.metrics.measured import Measured
    from model_build.tasks import Samples


def next_token_agreement(samples: Samples, original: np.ndarray, artifact: np.ndarray) -> Measured:
    """Count tokens of the original's that the artifact would choose too.

    It misleads where probabilities are nearly alike, as a model that learnt nothing has them: choices flip at the least
    rounding.
    """
    return judged("next_token_agreement", samples, original, artifact)
