from __future__ import annotations

import pytest

from slipway.preflight.spelling import meant


@pytest.mark.parametrize(
    "name", ["Embedder", "embeder", "embeddder", "embedrer", "embeddre", "sentence_embedder", "embedders"]
)
def test_slip_of_the_pen_is_understood(name: str) -> None:
    assert meant(name, ["sentence-embedder" if "sentence" in name else "embedder"]) is not None


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("model-a", "model-b"),
        ("fleet-1", "fleet-2"),
        ("embedder", "embedder-2"),
        ("eu-ranker", "us-ranker"),
        ("embedder", "reranker"),
        ("embdr", "embedder"),
    ],
)
def test_another_name_is_left_alone(name: str, there: str) -> None:
    assert meant(name, [there]) is None


def test_name_that_is_there_is_meant_by_itself() -> None:
    assert meant("ranker", ["rankers", "ranker"]) is None
