from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from model_build.source import TensorTransform
from model_build.tasks.task import Feeds, Samples, Traceable
from slipway.specs import PassTensor, ReturnTensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from slipway.specs import ModelSpec

INPUT, OUTPUT = "tensor", "transformed"


class Transformation:
    """Tensors to tensors: what one model of a pipeline does for the next."""

    returns: ClassVar[type] = TensorTransform

    def __init__(self, original: Any) -> None:
        self.original: TensorTransform = original

    def traceable(self) -> Traceable:
        """Return the module as it is: it has one input."""
        return Traceable(self.original.module, {INPUT: {0: "batch"}}, OUTPUT)

    def feeds(self, shape: tuple[int, ...]) -> Feeds:
        """Return real inputs, repeated as often as the batch needs."""
        return {INPUT: np.resize(self.original.held_out, shape)}

    def eager(self) -> Callable[[Feeds], np.ndarray]:
        """Return the module in PyTorch."""
        import torch

        module = self.original.module

        def transform(feeds: Feeds) -> np.ndarray:
            with torch.inference_mode():
                return np.asarray(module(torch.from_numpy(feeds[INPUT])).numpy())

        return transform

    def shapes(self, spec: ModelSpec) -> Iterator[tuple[int, ...]]:
        """Yield the batch with the shape of one input."""
        for batch in spec.benchmark.batch:
            yield (batch, *self.original.input_shape)

    def example_shape(self) -> tuple[int, ...]:
        """Return the shape of two inputs."""
        return (2, *self.original.input_shape)

    def samples(self, spec: ModelSpec, folder: Path) -> Samples:  # noqa: ARG002  the protocol's arguments
        """Return the source's held-out inputs."""
        return Samples(self.original.held_out.tolist())

    def calibration(self, spec: ModelSpec, folder: Path) -> Iterator[Feeds]:  # noqa: ARG002  the protocol's arguments
        """Yield nothing."""
        return iter(())

    def calibration_missing(self, spec: ModelSpec) -> str:  # noqa: ARG002  the protocol's arguments
        """Say that a transformation brings none."""
        return "a transformation brings no calibration data"

    def preprocess(self) -> PassTensor:
        """Say that numbers go in as they are."""
        return PassTensor(kind="tensor")

    def postprocess(self, output_shape: tuple[int | str, ...]) -> ReturnTensor:  # noqa: ARG002  the protocol's
        """Say that numbers come out as they are."""
        return ReturnTensor(kind="tensor")

    def files(self) -> dict[str, Path | str]:
        """Return nothing: the graph is all that there is."""
        return {}
