"""What the passes ask of a task: one file of this shape for each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    import torch

    from slipway.specs import Classify, Embed, Generate, ModelSpec, PassTensor, ReturnTensor, Rewrite, Tokenize

Feeds = dict[str, "np.ndarray"]


@dataclass(frozen=True)
class Traceable:
    """The original as the exporter needs it.

    Args:
        module: Takes ``inputs`` by position, in that order, and returns one tensor, or ``output`` and then ``more``.
        inputs: Name of each input and its dynamic dimensions by place.
        output: Name of the output that is the answer.
        more: Name of each further output and its dynamic dimensions by place.
        encoder: What is asked once before, where there is something: its outputs are inputs of this one.
    """

    module: torch.nn.Module
    inputs: dict[str, dict[int, str]]
    output: str
    more: dict[str, dict[int, str]] = field(default_factory=dict)
    encoder: Traceable | None = None


@dataclass(frozen=True)
class Samples:
    """What the artifact is judged on.

    Args:
        inputs: As a client would send them.
        truth: The right class of each, where the task has one.
        top_k: How many classes an answer names.
            Default: five, or one less than there are.
    """

    inputs: list[Any]
    truth: np.ndarray | None = None
    top_k: int | None = None


class Task(Protocol):
    """One task, for one original model."""

    returns: ClassVar[type]
    """What ``source.py:load`` must return."""
    original: Any
    """What it returned."""

    def __init__(self, original: Any) -> None: ...

    def traceable(self) -> Traceable:
        """Return the original as the exporter needs it."""

    def feeds(self, shape: tuple[int, ...]) -> Feeds:
        """Return made-up but legal tensors: the same ones for the same shape."""

    def eager(self) -> Callable[[Feeds], np.ndarray]:
        """Return the original from tensors to answer, in PyTorch, as it would be used without Slipway."""

    def shapes(self, spec: ModelSpec) -> Iterator[tuple[int, ...]]:
        """Yield the shapes that the spec wants to be measured, or raise ValueError for one that cannot be."""

    def example_shape(self) -> tuple[int, ...]:
        """Return a small shape whose sizes are all different, for tracing."""

    def samples(self, spec: ModelSpec, folder: Path) -> Samples:
        """Return what the artifact is judged on."""

    def calibration(self, spec: ModelSpec, folder: Path) -> Iterator[Feeds]:
        """Yield tensors that the model meets in use, none of which it is judged on."""

    def calibration_missing(self, spec: ModelSpec) -> str | None:
        """Say what is missing for ``calibration``; None where nothing is."""

    def preprocess(self) -> Tokenize | PassTensor:
        """Say how the server makes tensors of a request."""

    def postprocess(self, output_shape: tuple[int | str, ...]) -> Embed | Classify | ReturnTensor | Generate | Rewrite:
        """Say how the server makes an answer of the output."""

    def files(self) -> dict[str, Path | str]:
        """Return what lies in the archive beside the graph, by its name there: a file, or a text."""


def with_module(task: Task, module: torch.nn.Module | None) -> Task:
    """Return the task for another network in the original's place; for None, the task itself."""
    if module is None:
        return task
    original: Any = task.original
    return type(task)(replace(original, module=module))


def weights_bytes(module: torch.nn.Module) -> int:
    """Return the size of the original's weights and buffers as they were loaded."""
    known = getattr(module, "weights_bytes", None)  # of an ONNX file, which holds them itself
    if known is not None:
        return int(known)
    tensors = {tensor.data_ptr(): tensor for tensor in module.state_dict().values()}  # tied weights count once
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
