"""What a smaller network learns, task by task: which inputs, which answers, and how far off an answer is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch.nn import functional

from model_build.source import ImageClassifier, TensorTransform, TextEmbedder
from model_build.work import present

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_build.source import Training

UNKNOWN = -1
"""A label that nobody gave."""


class Lessons(Protocol):
    """One task's lessons, for one original; inputs are named by their place."""

    labels: torch.Tensor | None
    """Class of each input, ``UNKNOWN`` where nobody gave one; None where there are none at all."""

    def __init__(self, original: Any) -> None: ...

    def __len__(self) -> int: ...

    def answers(self, module: torch.nn.Module, places: torch.Tensor) -> torch.Tensor:
        """Ask a network; the first dimension of what it answers is the inputs."""

    def distance(self, ours: torch.Tensor, theirs: torch.Tensor, temperature: float) -> torch.Tensor:
        """Return how far answers are from the original's."""


class _Tensors:
    """Inputs that are numbers."""

    def __init__(self, original: ImageClassifier | TensorTransform) -> None:
        training: Training = present(original.training)
        self._inputs = torch.from_numpy(np.asarray(training.inputs))
        self.labels = None if training.labels is None else torch.from_numpy(np.asarray(training.labels, np.int64))

    def __len__(self) -> int:
        return len(self._inputs)

    def answers(self, module: torch.nn.Module, places: torch.Tensor) -> torch.Tensor:
        answers: torch.Tensor = module(self._inputs[places])
        return answers


class Classes(_Tensors):
    """Probabilities over classes, told apart by the Kullback-Leibler divergence."""

    def distance(self, ours: torch.Tensor, theirs: torch.Tensor, temperature: float) -> torch.Tensor:
        """Return the divergence at a temperature, times its square: so a step is as large at any temperature."""
        ours, theirs = (functional.log_softmax(each / temperature, dim=1) for each in (ours, theirs))
        return functional.kl_div(ours, theirs, reduction="batchmean", log_target=True) * temperature**2


class Numbers(_Tensors):
    """Numbers, told apart by the mean squared error in units of their variance."""

    def distance(self, ours: torch.Tensor, theirs: torch.Tensor, temperature: float) -> torch.Tensor:  # noqa: ARG002
        """Return the error."""
        return functional.mse_loss(ours, theirs) / theirs.var(correction=0).clamp(min=1e-12)


class Vectors:
    """Sentence vectors, told apart by their angle, or by their squared error where lengths count."""

    def __init__(self, original: TextEmbedder) -> None:
        self.labels: torch.Tensor | None = None
        self._original, self._tensors = original, _tokens(original, list(present(original.training).inputs))

    def __len__(self) -> int:
        return len(self._tensors["input_ids"])

    def answers(self, module: torch.nn.Module, places: torch.Tensor) -> torch.Tensor:
        """Return the pooled vectors; padding that no text of the batch reaches is left off."""
        rows = {name: tensor[places] for name, tensor in self._tensors.items()}
        length = int(rows["attention_mask"].sum(1).max())
        answer = module(**{name: tensor[:, :length] for name, tensor in rows.items() if name in self._original.inputs})
        tokens: torch.Tensor = answer if isinstance(answer, torch.Tensor) else answer.last_hidden_state
        mask = rows["attention_mask"][:, :length, None].to(tokens.dtype)
        return (tokens * mask).sum(1) / mask.sum(1) if self._original.pooling == "mean" else tokens[:, 0]

    def distance(self, ours: torch.Tensor, theirs: torch.Tensor, temperature: float) -> torch.Tensor:  # noqa: ARG002
        """Return how far they are apart."""
        if self._original.normalize:
            return 1 - functional.cosine_similarity(ours, theirs).mean()
        return functional.mse_loss(ours, theirs) / theirs.var(correction=0).clamp(min=1e-12)


def _tokens(original: TextEmbedder, texts: list[str]) -> dict[str, torch.Tensor]:
    """Return the tokenizer's tensors, each (texts, tokens of the longest)."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(original.tokenizer_file))
    tokenizer.enable_truncation(original.max_length)
    tokenizer.enable_padding()
    found = tokenizer.encode_batch(texts)
    columns = {
        "input_ids": [each.ids for each in found],
        "attention_mask": [each.attention_mask for each in found],
        "token_type_ids": [each.type_ids for each in found],
    }
    return {name: torch.tensor(rows) for name, rows in columns.items()}


LESSONS: dict[type, Callable[[Any], Lessons]] = {
    ImageClassifier: Classes,
    TensorTransform: Numbers,
    TextEmbedder: Vectors,
}


def lessons_of(original: Any) -> Lessons:
    """Return the lessons of an original that brings training data."""
    return LESSONS[type(original)](original)
