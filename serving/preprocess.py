"""What turns a request's inputs into the model's tensors, by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from serving import manifest as manifests
from serving.nested import NestedNumbers
from serving.texts import TokenizePrompts, TokenizeTexts

if TYPE_CHECKING:
    from pathlib import Path

    from serving.batching import Padding
    from serving.manifest import Manifest

Feeds = dict[str, np.ndarray]


class Preprocess(Protocol):
    """One kind of preprocessing."""

    accepts_arrays: bool
    padding: Padding | None
    """How a shorter text is made as long as another; None where inputs are no texts."""

    def __call__(self, inputs: list[Any]) -> Feeds:
        """Return the model's tensors for JSON inputs, or raise InputError."""

    def from_array(self, array: np.ndarray) -> Feeds:
        """Return the model's tensors for an array, or raise InputError."""


def make(manifest: Manifest, folder: Path) -> Preprocess:
    """Return the preprocessing that the manifest names."""
    if isinstance(manifest.postprocess, manifests.Generate):
        rewrites = isinstance(manifest.postprocess, manifests.Rewrite)
        return TokenizePrompts(manifest.preprocess, folder, goes_on=not rewrites)
    if isinstance(manifest.preprocess, manifests.Tokenize):
        return TokenizeTexts(manifest.preprocess, manifest.inputs, folder)
    return NestedNumbers(manifest.inputs)
