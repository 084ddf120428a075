"""What original and artifact think likely before each token, while both say what the original says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from model_build.metrics.bootstrap import lower_bound, upper_bound
from model_build.metrics.measured import WORST, Measured, shorten

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_build.tasks import Samples


@dataclass(frozen=True)
class Followed:
    """How near the artifact stays to the original, an entry for each text: tokens of one text resemble each other.

    Args:
        agreement: Share of the tokens that the artifact would choose too.
        divergence: Mean KL divergence of the artifact's probabilities from the original's, in nats.
        surprise: Mean negative log-likelihood that the artifact gives the tokens, in nats.
        original_surprise: That the original gives them.
    """

    agreement: np.ndarray
    divergence: np.ndarray
    surprise: np.ndarray
    original_surprise: np.ndarray


@dataclass(frozen=True)
class Figure:
    """One metric: the mean over the texts of ``each``, said by ``say``."""

    each: Callable[[Followed], np.ndarray]
    say: Callable[[float], float]

    def of(self, found: Followed) -> tuple[float, float]:
        """Return the metric and its bound."""
        values = self.each(found)
        return self.say(float(values.mean())), self.say(lower_bound(values))


FIGURES: Final = {
    "next_token_agreement": Figure(lambda found: found.agreement, float),
    "kl_similarity": Figure(lambda found: -found.divergence, math.exp),
    "perplexity_ratio": Figure(lambda found: found.original_surprise - found.surprise, math.exp),
}


def follow(original: np.ndarray, artifact: np.ndarray) -> Followed:
    """Compare logits, (texts, tokens, vocabulary) each; the likeliest of the original's are the tokens that are said.

    Where the artifact agrees on every token of a text, left alone it would say the same: each token follows from those
    before it.
    """
    rows = [_one(*pair) for pair in zip(original, artifact, strict=True)]  # one by one: a vocabulary may be large
    return Followed(*(np.asarray(column) for column in zip(*rows, strict=True)))


def judged(metric: str, samples: Samples, original: np.ndarray, artifact: np.ndarray) -> Measured:
    """Return one of the metrics, with the others and their bounds as its details."""
    found, figure = follow(original, artifact), FIGURES[metric]
    (value, bound), values = figure.of(found), figure.each(found)
    worst = [f"{figure.say(float(values[at])):.4f} for {shorten(samples.inputs[at])}" for at in np.argsort(values)]
    same = (found.agreement == 1).astype(np.float64)
    details = {"same_text": float(same.mean()), "same_text_bound": lower_bound(same)}
    details["tokens_each"] = float(original.shape[1])
    for name in FIGURES.keys() - {metric}:
        details[name], details[f"{name}_bound"] = FIGURES[name].of(found)
    return Measured(value, bound, {**details, **_perplexities(found)}, tuple(worst[:WORST]))


def _perplexities(found: Followed) -> dict[str, float]:
    """Return both, and the difference as a share of the original's: 0.02 is two hundredths more."""
    more = found.surprise - found.original_surprise  # nats a token: its exponential is the ratio
    return {
        "perplexity": math.exp(found.surprise.mean()),
        "original_perplexity": math.exp(found.original_surprise.mean()),
        "perplexity_difference": math.expm1(more.mean()),
        "perplexity_difference_bound": math.expm1(upper_bound(more)),
    }


def _one(original: np.ndarray, artifact: np.ndarray) -> tuple[float, float, float, float]:
    theirs, ours = _log_softmax(original), _log_softmax(artifact)
    said = original.argmax(axis=1)
    places = np.arange(len(said))
    divergence = (np.exp(theirs) * (theirs - ours)).sum(axis=1)
    return (
        float(np.mean(artifact.argmax(axis=1) == said)),
        float(divergence.mean()),
        -float(ours[places, said].mean()),
        -float(theirs[places, said].mean()),
    )


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    return np.asarray(wide - np.log(np.exp(wide).sum(axis=1, keepdims=True)))
