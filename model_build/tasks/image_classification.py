from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from model_build.source import ImageClassifier
from model_build.tasks.task import Feeds, Samples, Traceable
from model_build.work import present
from slipway.specs import Classify, PassTensor, Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from slipway.specs import ModelSpec

INPUT, OUTPUT = "image", "logits"
CALIBRATION_BATCH = 64


class ImageClassification:
    """Pictures to labels."""

    returns: ClassVar[type] = ImageClassifier

    def __init__(self, original: Any) -> None:
        self.original: ImageClassifier = original

    def traceable(self) -> Traceable:
        """Return the module as it is: it has one input."""
        return Traceable(self.original.module, {INPUT: {0: "batch"}}, OUTPUT)

    def feeds(self, shape: tuple[int, ...]) -> Feeds:
        """Return real pictures, repeated as often as the batch needs."""
        return {INPUT: np.resize(self.original.held_out, shape)}

    def eager(self) -> Callable[[Feeds], np.ndarray]:
        """Return the module and softmax in PyTorch."""
        import torch

        module = self.original.module

        def classify(feeds: Feeds) -> np.ndarray:
            with torch.inference_mode():
                return np.asarray(torch.softmax(module(torch.from_numpy(feeds[INPUT])), dim=1).numpy())

        return classify

    def shapes(self, spec: ModelSpec) -> Iterator[tuple[int, ...]]:
        """Yield (batch, channels, height, width)."""
        for batch in spec.benchmark.batch:
            yield (batch, *self.original.image_shape)

    def example_shape(self) -> tuple[int, ...]:
        """Return (batch, channels, height, width)."""
        return (2, *self.original.image_shape)

    def samples(self, spec: ModelSpec, folder: Path) -> Samples:
        """Return the source's held-out pictures and their classes."""
        k, labels = spec.verify.top_k, len(self.original.labels)
        if k is not None and k >= labels:
            message = f"{k} of {labels} labels tell nothing, accepted: at most {labels - 1}"
            raise SpecError([Problem(f"models/{folder.name}/model.yaml", 0, "verify.top_k", message)])
        return Samples(self.original.held_out.tolist(), np.asarray(self.original.held_out_labels), k)

    def calibration(self, spec: ModelSpec, folder: Path) -> Iterator[Feeds]:  # noqa: ARG002  the protocol's arguments
        """Yield the source's calibration pictures in batches."""
        pictures = present(self.original.calibration)
        for start in range(0, len(pictures), CALIBRATION_BATCH):
            yield {INPUT: pictures[start : start + CALIBRATION_BATCH]}

    def calibration_missing(self, spec: ModelSpec) -> str | None:  # noqa: ARG002  the protocol's arguments
        """Ask for the pictures."""
        return "no calibration pictures are given" if self.original.calibration is None else None

    def preprocess(self) -> PassTensor:
        """Say that numbers go in as they are."""
        return PassTensor(kind="tensor")

    def postprocess(self, output_shape: tuple[int | str, ...]) -> Classify:  # noqa: ARG002  the protocol's arguments
        """Say what the classes are called."""
        return Classify(kind="classify", labels=self.original.labels)

    def files(self) -> dict[str, Path | str]:
        """Return nothing: the graph is all that there is."""
        return {}
