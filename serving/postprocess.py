"""What turns the model's output into the answer, by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from serving import manifest as manifests
from serving.errors import ManifestError

if TYPE_CHECKING:
    from serving.manifest import Manifest
    from serving.preprocess import Feeds

_TINY = np.float32(1e-12)


class Postprocess(Protocol):
    """One kind of postprocessing."""

    def __call__(self, output: np.ndarray, feeds: Feeds) -> np.ndarray:
        """Return the answer, float32, an entry for each input."""

    def document(self, answer: np.ndarray) -> dict[str, Any]:
        """Return the answer as the JSON body's document."""

    def lines(self, answer: np.ndarray) -> list[dict[str, Any]]:
        """Return the answer as a document for each input."""


def make(manifest: Manifest) -> Postprocess:
    """Return the postprocessing that the manifest names."""
    if isinstance(manifest.postprocess, manifests.Embed):
        return PoolTokens(manifest.postprocess, manifest)
    if isinstance(manifest.postprocess, (manifests.TensorOutput, manifests.Generate)):
        return AsItIs()
    return Softmax(manifest.postprocess.labels, manifest)


class PoolTokens:
    """Token vectors to one vector a text."""

    def __init__(self, spec: manifests.Embed, manifest: Manifest) -> None:
        _require_width(manifest, rank=3, width=spec.dimensions, stated="postprocess.dimensions")
        if spec.pooling == "mean" and all(tensor.name != "attention_mask" for tensor in manifest.inputs):
            raise ManifestError("postprocess.pooling: 'mean' needs an input named attention_mask")
        self._mean = spec.pooling == "mean"
        self._normalize = spec.normalize

    def __call__(self, output: np.ndarray, feeds: Feeds) -> np.ndarray:
        """Return (batch, dimensions) vectors for (batch, length, dimensions) token vectors."""
        output = output.astype(np.float32, copy=False)
        if not self._mean:
            pooled = output[:, 0]
            return _unit(pooled) if self._normalize else np.ascontiguousarray(pooled)
        mask = feeds["attention_mask"]
        # The model has just swept the caches: each step of these costs 10 to 60 us, whatever it has to do.
        summed = output.sum(axis=1) if mask.all() else np.matmul(mask[:, None, :].astype(np.float32), output)[:, 0]
        if self._normalize:  # a sum points where its mean points
            return _unit(summed)
        return np.asarray(summed / np.maximum(mask.sum(axis=1, dtype=np.float32), 1.0)[:, None])

    def document(self, answer: np.ndarray) -> dict[str, Any]:
        """Return one vector a text."""
        return {"embeddings": answer}

    def lines(self, answer: np.ndarray) -> list[dict[str, Any]]:
        """Return each text's vector."""
        return [{"embedding": vector} for vector in answer]


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    return np.asarray(vectors / np.maximum(length, _TINY))


class Softmax:
    """Logits to probabilities."""

    def __init__(self, labels: tuple[str, ...], manifest: Manifest) -> None:
        _require_width(manifest, rank=2, width=len(labels), stated="postprocess.labels")
        self._labels = labels

    def __call__(self, output: np.ndarray, feeds: Feeds) -> np.ndarray:  # noqa: ARG002  the protocol's arguments
        """Return (batch, classes) probabilities for (batch, classes) logits."""
        logits = output.astype(np.float32, copy=False)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))  # the largest is 0: no overflow
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def document(self, answer: np.ndarray) -> dict[str, Any]:
        """Return the likeliest label of each input, and all scores in label order."""
        return {"predictions": self.lines(answer)}

    def lines(self, answer: np.ndarray) -> list[dict[str, Any]]:
        """Return each input's likeliest label and its scores."""
        best = answer.argmax(axis=1)
        return [
            {"label": self._labels[index], "score": row[index], "scores": row}
            for index, row in zip(best.tolist(), answer, strict=True)
        ]


class AsItIs:
    """The output unchanged: a transformation's answer is what another model is asked."""

    def __call__(self, output: np.ndarray, feeds: Feeds) -> np.ndarray:  # noqa: ARG002  the protocol's arguments
        """Return the output."""
        return np.ascontiguousarray(output, dtype=np.float32)

    def document(self, answer: np.ndarray) -> dict[str, Any]:
        """Return the answer as a request: the next container of a pipeline takes it as it comes."""
        return {"inputs": answer}

    def lines(self, answer: np.ndarray) -> list[dict[str, Any]]:
        """Return each input's tensor, as a request of one."""
        return [{"inputs": [each]} for each in answer]


def _require_width(manifest: Manifest, *, rank: int, width: int, stated: str) -> None:
    shape = manifest.outputs[0].shape
    if len(shape) != rank or shape[-1] != width:
        raise ManifestError(
            f"outputs[0].shape: {list(shape)} does not fit {stated}, which needs rank {rank}, last {width}"
        )
