"""What is measured of next-token probabilities, when original and artifact go on with the same texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Followed:
    """How near the artifact stays to the original while both say what the original says, by text.

    Args:
        agreement: Share of the tokens that the artifact would choose too.
        divergence: Mean KL divergence of the artifact's probabilities from the original's, in nats.
        surprise: Mean of what the artifact's log-likelihood falls short of the original's, in nats.
    """

    agreement: np.ndarray
    divergence: np.ndarray
    surprise: np.ndarray


def compare(original: np.ndarray, artifact: np.ndarray) -> Followed:
    """Compare logits, (texts, tokens, vocabulary) each; the likeliest of the original's are the tokens that are said.

    Where the artifact agrees on every token of a text, left alone it would say the same: each token follows from those
    before it.
    """
    rows = [_one(*pair) for pair in zip(original, artifact, strict=True)]  # one by one: a vocabulary may be large
    return Followed(*(np.asarray(column) for column in zip(*rows, strict=True)))


def _one(original: np.ndarray, artifact: np.ndarray) -> tuple[float, float, float]:
    theirs, ours = _log_softmax(original), _log_softmax(artifact)
    said = original.argmax(axis=1)
    places = np.arange(len(said))
    divergence = (np.exp(theirs) * (theirs - ours)).sum(axis=1)
    return (
        float(np.mean(artifact.argmax(axis=1) == said)),
        float(divergence.mean()),
        float((theirs - ours)[places, said].mean()),
    )


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    return np.asarray(wide - np.log(np.exp(wide).sum(axis=1, keepdims=True)))
