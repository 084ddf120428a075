"""What verify measures: original and artifact on the same inputs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from model_build.next_tokens import compare

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_build.tasks import Samples


@dataclass(frozen=True)
class Measured:
    """One metric over all samples.

    Args:
        value: Over all of them.
        bound: What the gate judges: the value is above it with 95 % confidence.
        details: Further figures by name.
        worst: The inputs that did worst, in words, worst first.
        refusal: Why the artifact must not be, whatever the value; empty where nothing is wrong.
    """

    value: float
    bound: float
    details: dict[str, float]
    worst: tuple[str, ...]
    refusal: str = ""


class Metric(Protocol):
    """A function of the samples, the original's answers and the artifact's, each with an entry for each sample."""

    def __call__(self, samples: Samples, original: np.ndarray, artifact: np.ndarray) -> Measured:
        """Measure."""


WORST = 3
RESAMPLES = 2000
CONFIDENCE = 0.95
MAX_ACCURACY_LOSS = 0.01


def cosine_similarity(samples: Samples, original: np.ndarray, artifact: np.ndarray) -> Measured:
    """Compare directions: the mean is judged, the minimum and the agreement on nearest neighbours are recorded."""
    ours, theirs = _unit(artifact), _unit(original)
    similarity = np.einsum("nd,nd->n", ours, theirs)
    agreement = np.mean(_nearest(ours) == _nearest(theirs))
    worst = [f"{similarity[at]:.4f} for {_shorten(samples.inputs[at])}" for at in np.argsort(similarity)[:WORST]]
    details = {"minimum": float(similarity.min()), "nearest_neighbour_agreement": float(agreement)}
    return Measured(float(similarity.mean()), lower_bound(similarity), details, tuple(worst))


def accuracy(samples: Samples, original: np.ndarray, artifact: np.ndarray) -> Measured:
    """Count right labels; more than a hundredth below the original is refused whatever the gate."""
    truth = np.asarray(samples.truth)
    right = artifact.argmax(axis=1) == truth
    value, before = float(right.mean()), float((original.argmax(axis=1) == truth).mean())
    agreement = float((artifact.argmax(axis=1) == original.argmax(axis=1)).mean())
    wrong = [f"held-out input {at}: {artifact[at].argmax()} for {truth[at]}" for at in np.flatnonzero(~right)[:WORST]]
    refusal = ""
    if value < before - MAX_ACCURACY_LOSS:
        loss = f"{before - value:.4f} below the original's {before:.4f}"
        refusal = f"accuracy {value:.4f} is {loss}, at most {MAX_ACCURACY_LOSS} may be lost"
    details = {"original": before, "agreement_with_original": agreement}
    return Measured(value, lower_bound(right.astype(np.float64)), details, tuple(wrong), refusal)


def r_squared(samples: Samples, original: np.ndarray, artifact: np.ndarray) -> Measured:
    """Compare numbers: how much of what varies in the original's answers the artifact's explain; 1 is all of it."""
    ours, theirs = _flat(artifact), _flat(original)
    errors = np.square(ours - theirs).sum(axis=1)
    spread = np.square(theirs - theirs.mean(axis=0)).sum(axis=1)
    worst = [f"{errors[at]:.3g} for {_shorten(samples.inputs[at])}" for at in np.argsort(-errors)[:WORST]]
    details = {"largest_difference": float(np.abs(ours - theirs).max())}
    value = float(1 - errors.sum() / spread.sum())
    return Measured(value, 1 - _upper_bound_of_ratio(errors, spread), details, tuple(worst))


def next_tokens(metric: str, samples: Samples, original: np.ndarray, artifact: np.ndarray) -> Measured:
    """Compare what both would say next: one of three figures is judged, all are recorded.

    Agreement alone misleads where probabilities are nearly alike, as a model that learnt nothing has them; divergence
    does not.
    """
    found = compare(original, artifact)
    spoken: dict[str, tuple[np.ndarray, Callable[[float], float]]] = {
        "next_token_agreement": (found.agreement, float),
        "kl_similarity": (-found.divergence, math.exp),
        "perplexity_ratio": (-found.surprise, math.exp),
    }
    values, say = spoken[metric]
    details = {name: say(float(each.mean())) for name, (each, say) in spoken.items() if name != metric}
    details["same_text"] = float((found.agreement == 1).mean())
    details["tokens_each"] = float(original.shape[1])
    worst = [f"{say(float(values[at])):.4f} for {_shorten(samples.inputs[at])}" for at in np.argsort(values)[:WORST]]
    return Measured(say(float(values.mean())), say(lower_bound(values)), details, tuple(worst))


METRICS: dict[str, Metric] = {
    "cosine_similarity": cosine_similarity,
    "accuracy": accuracy,
    "r_squared": r_squared,
    "next_token_agreement": partial(next_tokens, "next_token_agreement"),
    "kl_similarity": partial(next_tokens, "kl_similarity"),
    "perplexity_ratio": partial(next_tokens, "perplexity_ratio"),
}


def lower_bound(values: np.ndarray) -> float:
    """Return what the mean of more such values exceeds with 95 % confidence, by the bootstrap's percentiles.

    Args:
        values: One for each input, (n,).
    """
    return float(np.quantile(values[_resamples(len(values))].mean(axis=1), 1 - CONFIDENCE))


def _upper_bound_of_ratio(above: np.ndarray, below: np.ndarray) -> float:
    drawn = _resamples(len(above))
    return float(np.quantile(above[drawn].sum(axis=1) / below[drawn].sum(axis=1), CONFIDENCE))


def _resamples(count: int) -> np.ndarray:
    """Return which inputs each of the resamples draws, (RESAMPLES, count): always the same ones."""
    return np.random.default_rng(0).integers(0, count, (RESAMPLES, count))


def _flat(answers: np.ndarray) -> np.ndarray:
    return answers.reshape(len(answers), -1).astype(np.float64)


def _unit(vectors: np.ndarray) -> np.ndarray:
    wide = vectors.astype(np.float64)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12))


def _nearest(vectors: np.ndarray) -> np.ndarray:
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    return np.asarray(similarity.argmax(axis=1))


def _shorten(text: Any, limit: int = 60) -> str:
    words = str(text)
    return repr(words if len(words) <= limit else f"{words[:limit]}…")
