"""Each metric on answers whose figure can be told by hand."""

from __future__ import annotations

import numpy as np
import pytest

from model_build.metrics import (
    accuracy,
    cosine_similarity,
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


def test_next_token_agreement_counts_text_and_not_padding() -> None:
    original, artifact = np.zeros((4, 3, 5)), np.zeros((4, 3, 5))
    original[:, :, 2] = 1
    artifact[:, :, 2] = 1
    artifact[0, 1:, 3] = 2  # of text 0 one place of three is the same
    artifact[1, 2, 3] = 2  # of text 1 only padding differs
    mask = np.ones((4, 3))
    mask[1, 2] = 0
    measured = next_token_agreement(TEXTS, original, artifact, mask)
    assert measured.value == pytest.approx((1 / 3 + 3) / 4)
    assert measured.details == {"minimum": pytest.approx(1 / 3), "places": 11.0}
    assert measured.worst[0] == "0.3333 for 'text 0'"
    assert measured.bound < measured.value


def test_perplexity_of_even_odds_is_the_vocabulary() -> None:
    tokens = np.asarray([[0, 3, 1], [2, 2, 0]])
    found = perplexity_ratio(tokens, np.zeros((2, 3, 8)), np.zeros((2, 3, 8)))
    assert found["perplexity"] == pytest.approx(8)
    assert found["perplexity_difference"] == found["perplexity_difference_bound"] == 0


def test_perplexity_looks_at_the_place_before_a_token() -> None:
    tokens = np.asarray([[0, 1, 2]])
    sure = np.full((1, 3, 4), -50.0)
    sure[0, 0, 1] = sure[0, 1, 2] = 50  # foretells both; what stands at the last place foretells nothing of the text
    found = perplexity_ratio(tokens, np.zeros((1, 3, 4)), sure)
    assert found["perplexity"] == pytest.approx(1)
    assert found["perplexity_difference"] == pytest.approx(1 / 4 - 1)


def test_perplexity_bound_is_above_the_difference_and_masks_padding() -> None:
    random = np.random.default_rng(1)
    tokens, original = random.integers(0, 9, (40, 6)), random.normal(size=(40, 6, 9))
    artifact = original + random.normal(size=original.shape) * 0.3
    found = perplexity_ratio(tokens, original, artifact)
    assert found["perplexity_difference_bound"] > found["perplexity_difference"]
    mask = np.ones((40, 6))
    mask[:, 4:] = 0
    artifact[:, 3:] = 99 * random.normal(size=artifact[:, 3:].shape)  # foretells padding only
    short = perplexity_ratio(tokens[:, :4], original[:, :4], artifact[:, :4])
    assert perplexity_ratio(tokens, original, artifact, mask) == pytest.approx(short)


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
