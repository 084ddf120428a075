"""How near an endpoint's answers are to the original's, by the model's own metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slipway.specs.task import Metric

LONGEST = 24
"""Characters of a text that a table has room for."""


def rows(answer: Any) -> NDArray[Any]:
    """Return an endpoint's JSON answer by input: an embedding, a tensor, a score for each label, or a text."""
    if "generated_text" in answer:
        return np.asarray(answer["generated_text"], dtype=np.str_)
    for key in ("embeddings", "inputs"):
        if key in answer:
            return np.asarray(answer[key], dtype=np.float32)
    return np.asarray([prediction["scores"] for prediction in answer["predictions"]], dtype=np.float32)


def agreement(metric: Metric, answers: NDArray[Any], originals: NDArray[Any]) -> float:
    """Compare answers with the original's, row by row.

    Returns:
        Of texts the share that is the same, letter by letter, whatever the metric. For ``cosine_similarity`` the mean
        cosine; for ``accuracy`` the share of equal labels; for ``r_squared`` the share of the originals' variance that
        is explained. NaN where shapes differ.
    """
    if answers.shape != originals.shape:
        return float("nan")
    if originals.dtype.kind == "U":
        return float(np.mean(answers == originals))
    if metric == "accuracy":
        return float(np.mean(answers.argmax(axis=1) == originals.argmax(axis=1)))
    if metric == "r_squared":
        spread = np.square(originals - originals.mean(axis=0)).sum()
        return float(1 - np.square(answers - originals).sum() / spread)
    lengths = np.linalg.norm(answers, axis=1) * np.linalg.norm(originals, axis=1)
    return float(np.mean(np.sum(answers * originals, axis=1) / lengths))


def in_words(question: Any, answer: Any) -> str:
    """Return one answer short enough for a table."""
    if "embeddings" in answer:
        start = ", ".join(f"{number:+.3f}" for number in answer["embeddings"][0][:3])
        return f"'{_shortened(question)}' -> [{start}, …]"
    if "generated_text" in answer:
        return f"'{_shortened(question)}' -> '{_shortened(answer['generated_text'][0])}'"
    if "inputs" in answer:
        return f"tensor -> {' x '.join(map(str, np.shape(answer['inputs'][0])))}"
    first = answer["predictions"][0]
    return f"picture -> '{first['label']}' ({first['score']:.3f})"


def _shortened(text: str) -> str:
    in_a_line = " ".join(text.split())
    return in_a_line if len(in_a_line) <= LONGEST else in_a_line[:LONGEST] + "…"
