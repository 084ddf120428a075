"""Each metric on answers whose figure can be told by hand."""

from __future__ import annotations

import numpy as np
import pytest

from model_build.metrics import (
    accuracy,
    cosine_similarity,
    kl_similarity,
    largest_difference,
    lower_bound,
    next_token_agreement,
    perplexity_ratio,
    top_k_agreement,
    upper_bound_of_ratio,
)
from model_build.tasks import Samples

TEXTS = Samples([f"text {number}" for number in range(4)])


def test_largest_difference_is_of_one_number_and_tells_how_many_inputs_it_covers() -> None:
    original = np.zeros((59, 3), np.float32)
    artifact = original.copy()
    artifact[7, 1] = -0.25
    found = largest_difference(original, artifact)
    assert found["largest_difference"] == 0.25
    assert found["largest_difference_covers"] == pytest.approx(0.95, abs=0.001)  # 59 inputs are what 95 % of 95 % takes


def test_top_k_counts_what_both_name_whatever_its_order() -> None:
    original = np.asarray([[4.0, 3, 2, 1], [4, 3, 2, 1]])
    artifact = np.asarray([[3.0, 4, 2, 1], [4, 1, 2, 3]])
    assert top_k_agreement(original, artifact, k=2)["top_2_agreement"] == 0.75
    assert top_k_agreement(original, artifact, k=1)["top_1_agreement"] == 0.5
    assert top_k_agreement(original, artifact, k=2)["top_2_agreement_bound"] == 0.5


@pytest.mark.parametrize("k", [0, 4])
def test_top_k_refuses_a_k_that_tells_nothing(k: int) -> None:
    with pytest.raises(ValueError, match=rf"top {k} of 4 classes: at most 3 tell anything"):
        top_k_agreement(np.eye(4), np.eye(4), k=k)


def test_next_token_agreement_counts_tokens_and_whole_texts() -> None:
    original, artifact = np.zeros((4, 3, 5)), np.zeros((4, 3, 5))
    original[:, :, 2] = 1
    artifact[:, :, 2] = 1
    artifact[0, 1:, 3] = 2  # of text 0 one token of three is the same
    measured = next_token_agreement(TEXTS, original, artifact)
    assert measured.value == pytest.approx((1 / 3 + 3) / 4)
    assert (measured.details["same_text"], measured.details["tokens_each"]) == (0.75, 3)
    assert measured.worst[0] == "0.3333 for 'text 0'"
    assert measured.bound < measured.value


def test_perplexity_of_even_odds_is_the_vocabulary() -> None:
    found = perplexity_ratio(TEXTS, np.zeros((4, 3, 8)), np.zeros((4, 3, 8)))
    assert found.details["perplexity"] == found.details["original_perplexity"] == pytest.approx(8)
    assert found.details["perplexity_difference"] == found.details["perplexity_difference_bound"] == 0
    assert found.value == found.bound == 1


def test_perplexity_is_of_what_the_original_says() -> None:
    sure, even = np.full((4, 2, 4), -50.0), np.zeros((4, 2, 4))
    sure[:, 0, 1] = sure[:, 1, 2] = 50
    assert perplexity_ratio(TEXTS, sure, even).value == pytest.approx(1 / 4)
    assert perplexity_ratio(TEXTS, sure, even).details["perplexity_difference"] == pytest.approx(3)


def test_next_token_metrics_are_what_they_say() -> None:
    original = np.log(np.array([[[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]]] * 4))
    artifact = np.log(np.array([[[0.5, 0.4, 0.1], [0.1, 0.3, 0.6]]] * 4)) + 4  # logits have no zero
    divergence = (0.7 * np.log(0.7 / 0.5) + 0.2 * np.log(0.2 / 0.4) + 0.6 * np.log(2) + 0.3 * np.log(0.5)) / 2
    wanted = {
        next_token_agreement: 0.5,
        kl_similarity: np.exp(-divergence),
        perplexity_ratio: np.sqrt(0.5 * 0.3 / (0.7 * 0.6)),
    }
    for metric, value in wanted.items():
        measured = metric(TEXTS, original, artifact)
        assert measured.value == measured.bound == pytest.approx(value)
        for other in wanted.keys() - {metric}:
            assert measured.details[other.__name__] == pytest.approx(wanted[other])


def test_bound_of_a_perplexity_difference_is_above_it() -> None:
    random = np.random.default_rng(1)
    original = random.normal(size=(40, 6, 9))
    texts = Samples([str(number) for number in range(40)])
    found = kl_similarity(texts, original, original + random.normal(size=original.shape) * 0.3)
    assert found.bound < found.value < 1
    assert found.details["perplexity_difference_bound"] > found.details["perplexity_difference"] > 0
    assert found.details["perplexity_ratio_bound"] == pytest.approx(
        1 / (1 + found.details["perplexity_difference_bound"])
    )


def test_proofs_carry_bounds_beside_shares() -> None:
    random = np.random.default_rng(2)
    original = random.normal(size=(50, 6)).astype(np.float32)
    artifact = original + random.normal(size=original.shape).astype(np.float32) * 0.05
    words = Samples([str(number) for number in range(50)], original.argmax(axis=1), 3)
    for measured in (cosine_similarity(words, original, artifact), accuracy(words, original, artifact)):
        bounds = [key for key in measured.details if key.endswith("_bound")]
        assert bounds != []
        assert all(measured.details[key] <= measured.details[key.removesuffix("_bound")] for key in bounds)
    assert "top_3_agreement_bound" in bounds


def test_bound_of_a_ratio_is_of_sums_and_not_of_ratios() -> None:
    above, below = np.asarray([1.0, 9.0] * 30), np.asarray([10.0, 90.0] * 30)
    assert upper_bound_of_ratio(above, below) == pytest.approx(0.1)


def test_bound_holds_as_often_as_it_says() -> None:
    """Of 400 draws whose mean is known, 95 % lie above their bound: give or take what chance does."""
    random = np.random.default_rng(5)
    held = [lower_bound(random.exponential(size=140)) <= 1.0 for _ in range(400)]
    assert 0.91 <= np.mean(held) <= 0.98
