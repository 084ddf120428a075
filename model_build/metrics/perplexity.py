from __future__ import annotations

import numpy as np

from model_build.metrics.bootstrap import upper_bound


def perplexity_ratio(
    tokens: np.ndarray, original: np.ndarray, artifact: np.ndarray, mask: np.ndarray | None = None
) -> dict[str, float]:
    """Return both perplexities over the same texts, the artifact's as a share more than the original's, and its bound.

    Args:
        tokens: What was said, (n, length).
        original: Logits at each place, (n, length, vocabulary): those at one place foretell the token at the next.
        artifact: Likewise.
        mask: (n, length), which places are text. Default: all are.

    Returns:
        ``perplexity``, ``original_perplexity``, ``perplexity_difference`` (0.02 is two hundredths more than the
        original's) and ``perplexity_difference_bound``, which it stays below with 95 % confidence.
    """
    counted = (np.ones(tokens.shape, dtype=bool) if mask is None else mask.astype(bool))[:, 1:]
    ours, theirs = _surprise(tokens, artifact, counted), _surprise(tokens, original, counted)
    more = ours - theirs  # nats a token: its exponential is the ratio of the perplexities
    return {
        "perplexity": float(np.exp(ours.mean())),
        "original_perplexity": float(np.exp(theirs.mean())),
        "perplexity_difference": float(np.expm1(more.mean())),
        "perplexity_difference_bound": float(np.expm1(upper_bound(more))),
    }


def _surprise(tokens: np.ndarray, logits: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Return the mean negative logarithm of the probability of each text's tokens, (n,)."""
    before = logits[:, :-1].astype(np.float64)
    before -= before.max(axis=2, keepdims=True)
    said = np.take_along_axis(before, tokens[:, 1:, None], axis=2)[:, :, 0]
    nats = np.log(np.exp(before).sum(axis=2)) - said
    return np.asarray((nats * counted).sum(axis=1) / np.maximum(counted.sum(axis=1), 1))
