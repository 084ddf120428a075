"""What a model does, and what it is judged by."""

from __future__ import annotations

from typing import Literal

Task = Literal["sentence-embedding", "image-classification", "transformation", "text-generation"]
Metric = Literal[
    "cosine_similarity", "accuracy", "r_squared", "next_token_agreement", "kl_similarity", "perplexity_ratio"
]

METRICS_OF_TASK: dict[Task, tuple[Metric, ...]] = {
    "sentence-embedding": ("cosine_similarity",),
    "image-classification": ("accuracy",),
    "transformation": ("r_squared",),
    "text-generation": ("next_token_agreement", "kl_similarity", "perplexity_ratio"),
}
TEXT_TASKS: tuple[Task, ...] = ("sentence-embedding", "text-generation")
