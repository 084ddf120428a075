"""What a data scientist's ``source.py:load`` returns: the original model and how it is used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import torch

FEWEST = 16
"""Inputs that can be learned from at all: some of them tell when to stop."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """What a smaller network learns from when ``model.yaml`` has ``distill`` or ``prune``; it judges nothing.

    Args:
        inputs: As clients send them: texts, or float32 (n, ...) with the shape of one input behind n. The more the
            better, and labels are not needed: the original's answers are what is learned. None of them may be one that
            the artifact is judged by.
        labels: The right class of each, -1 where nobody knows; classifiers only.
            Default: the original's answers alone teach.

    Raises:
        TypeError: If a field has a wrong type.
        ValueError: If there is nothing to learn, or not a label for each input.
    """

    inputs: np.ndarray | Sequence[str]
    labels: np.ndarray | None = None

    def __post_init__(self) -> None:
        import numpy as np

        if len(self.inputs) < FEWEST:
            raise ValueError(f"training: {len(self.inputs)} inputs, accepted: {FEWEST} or more")
        labels = np.zeros(len(self.inputs), int) if self.labels is None else np.asarray(self.labels)
        if labels.shape != (len(self.inputs),) or labels.dtype.kind not in "iu":
            accepted = f"one whole number for each of {len(self.inputs)}, -1 where it is not known"
            raise ValueError(f"training: labels {labels.dtype} {labels.shape}, accepted: {accepted}")


@dataclass(frozen=True, kw_only=True)
class TextEmbedder:
    """A model that turns texts into vectors, for ``task: sentence-embedding``.

    Args:
        module: Called with ``inputs`` by keyword, each int64 (batch, length); returns the token vectors (batch, length,
            dimensions), or an object that has them as ``last_hidden_state``. In evaluation mode, on the CPU.
        tokenizer_file: A ``tokenizer.json`` of the ``tokenizers`` library; it is copied into the artifact.
        max_length: Tokens after which a text is cut.
        reference: The untouched original pipeline: texts in, (texts, dimensions) vectors out. It is not exported, the
            artifact is judged by it.
        pooling: How token vectors become one: their ``mean`` without padding, or the first (``cls``).
        normalize: Whether the vector is scaled to length 1.
        inputs: Which of the tokenizer's tensors the module takes.
        training: Texts that a smaller network learns from.
            Default: ``distill`` and ``prune`` are refused.

    Raises:
        TypeError: If a field has a wrong type.
        ValueError: If it has a value that cannot be served.
    """

    module: torch.nn.Module
    tokenizer_file: Path
    max_length: int
    reference: Callable[[list[str]], np.ndarray]
    pooling: Literal["mean", "cls"] = "mean"
    normalize: bool = True
    inputs: tuple[str, ...] = ("input_ids", "attention_mask")
    training: Training | None = None

    def __post_init__(self) -> None:
        require_module(self.module)
        require(callable(self.reference), "reference", self.reference, "a function of a list of texts")
        require(isinstance(self.tokenizer_file, Path), "tokenizer_file", self.tokenizer_file, "a pathlib.Path")
        require(type(self.max_length) is int, "max_length", self.max_length, "a whole number")
        if not self.tokenizer_file.is_file():
            raise ValueError(f"tokenizer_file: {self.tokenizer_file} does not exist")
        if self.max_length < 1:
            raise ValueError(f"max_length: {self.max_length}, accepted: 1 or more")
        _require_one_of("pooling", self.pooling, ("mean", "cls"))
        if self.training is not None and not all(isinstance(text, str) for text in self.training.inputs):
            raise ValueError("training: inputs, accepted: a list of texts")
        for name in self.inputs:
            _require_one_of("inputs", name, ("input_ids", "attention_mask", "token_type_ids"))
        if not {"input_ids", "attention_mask"} <= set(self.inputs):
            raise ValueError(f"inputs: {list(self.inputs)}, needed: input_ids and attention_mask")


@dataclass(frozen=True, kw_only=True)
class ImageClassifier:
    """A model that tells which of several things a picture shows, for ``task: image-classification``.

    Args:
        module: Called with float32 (batch, channels, height, width); returns the logits (batch, classes). In evaluation
            mode, on the CPU.
        labels: A name for each class, in the order of the logits.
        image_shape: (channels, height, width).
        held_out: Inputs that the model was never shown, float32 (n, channels, height, width): they judge the artifact.
        held_out_labels: The right class of each of them, as its place in ``labels``.
        calibration: Inputs that the model was trained on, in the same form: they show an int8 target which values
            occur.
            Default: recipes that need them are not tried.
        training: Inputs, and labels if there are any, that a smaller network learns from.
            Default: ``distill`` and ``prune`` are refused.

    Raises:
        TypeError: If a field has a wrong type.
        ValueError: If it has a value that cannot be served.
    """

    module: torch.nn.Module
    labels: tuple[str, ...]
    image_shape: tuple[int, int, int]
    held_out: np.ndarray
    held_out_labels: np.ndarray
    calibration: np.ndarray | None = None
    training: Training | None = None

    def __post_init__(self) -> None:
        import numpy as np

        require_module(self.module)
        if len(self.labels) < 2 or not all(isinstance(label, str) for label in self.labels):  # noqa: PLR2004  a choice
            raise ValueError(f"labels: {self.labels!r}, accepted: two texts or more")
        _require_inputs("held_out", self.held_out, self.image_shape)
        if self.calibration is not None:
            _require_inputs("calibration", self.calibration, self.image_shape)
        _require_training(self.training, self.image_shape)
        truth = np.asarray(self.held_out_labels)
        if truth.shape != (len(self.held_out),) or truth.dtype.kind not in "iu":
            accepted = f"one whole number for each of {len(self.held_out)}"
            raise ValueError(f"held_out_labels: {truth.dtype} {truth.shape}, accepted: {accepted}")
        if len(truth) > 0 and not (truth.min() >= 0 and truth.max() < len(self.labels)):
            raise ValueError(f"held_out_labels: {truth.min()} to {truth.max()}, accepted: 0 to {len(self.labels) - 1}")

    def reference(self, inputs: list[Any]) -> np.ndarray:
        """Return the untouched original's probabilities (inputs, classes), float32."""
        import numpy as np
        import torch

        images = torch.from_numpy(np.asarray(inputs, dtype=np.float32))
        with torch.inference_mode():
            return np.asarray(torch.softmax(self.module(images), dim=1).numpy())


@dataclass(frozen=True, kw_only=True)
class TensorTransform:
    """A model that turns numbers into other numbers, which another model takes, for ``task: transformation``.

    Args:
        module: Called with float32 (batch, *input_shape); returns one tensor whose first dimension is the batch. In
            evaluation mode, on the CPU.
        input_shape: Of one input.
        held_out: Inputs that judge the artifact, float32 (n, *input_shape).
        training: Inputs that a smaller network learns from.
            Default: ``distill`` and ``prune`` are refused.

    Raises:
        TypeError: If a field has a wrong type.
        ValueError: If it has a value that cannot be served.
    """

    module: torch.nn.Module
    input_shape: tuple[int, ...]
    held_out: np.ndarray
    training: Training | None = None

    def __post_init__(self) -> None:
        require_module(self.module)
        _require_inputs("held_out", self.held_out, self.input_shape)
        _require_training(self.training, self.input_shape)

    def reference(self, inputs: list[Any]) -> np.ndarray:
        """Return the untouched original's tensors, float32, an entry for each input."""
        import numpy as np
        import torch

        with torch.inference_mode():
            return np.asarray(self.module(torch.from_numpy(np.asarray(inputs, dtype=np.float32))).numpy())


class Original(Protocol):
    """What the classes above have in common."""

    @property
    def module(self) -> torch.nn.Module:
        """What is exported."""

    @property
    def reference(self) -> Callable[[list[Any]], np.ndarray]:
        """The untouched original, from a client's inputs to its answers."""


def require_module(module: Any) -> None:
    """Refuse what cannot be built: no module, one that is being trained, one without parameters."""
    import torch

    require(isinstance(module, torch.nn.Module), "module", module, "a torch.nn.Module")
    if module.training:
        raise ValueError("module: is in training mode, call .eval() on it")
    if not any(True for _ in module.parameters()) and not hasattr(module, "weights_bytes"):
        raise ValueError("module: has no parameters, so there is nothing to build")


def require(right: bool, field: str, value: Any, accepted: str) -> None:  # noqa: FBT001  an assertion with words
    """Refuse a field of a wrong type."""
    if not right:
        raise TypeError(f"{field}: {type(value).__name__}, accepted: {accepted}")


def _require_one_of(field: str, value: Any, accepted: tuple[str, ...]) -> None:
    if value not in accepted:
        raise ValueError(f"{field}: {value!r}, accepted: {', '.join(accepted)}")


def _require_training(training: Any, shape: tuple[int, ...]) -> None:
    if training is not None:
        require(isinstance(training, Training), "training", training, "a model_build.Training")
        _require_inputs("training: inputs", training.inputs, shape)


def _require_inputs(field: str, inputs: Any, shape: tuple[int, ...]) -> None:
    import numpy as np

    require(isinstance(inputs, np.ndarray), field, inputs, "a numpy array")
    if inputs.dtype != np.float32 or inputs.shape[1:] != tuple(shape) or len(inputs) == 0:
        raise ValueError(f"{field}: {inputs.dtype} {inputs.shape}, accepted: float32 (n, {', '.join(map(str, shape))})")
