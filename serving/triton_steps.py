"""What a model of a Triton repository computes: from tensors by name to tensors by name, rows first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from serving import manifest as manifests
from serving import postprocess, preprocess, runtimes
from serving.errors import InputError
from serving.model import Model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from serving.preprocess import Feeds

INPUTS, PARAMETERS = "inputs", "parameters"


class Step(Protocol):
    """One step; safe to call from one thread, which is all that Triton gives to an instance."""

    def __call__(self, feeds: Feeds) -> Feeds:
        """Return the step's tensors, or raise InputError."""


class Tokenize:
    """Texts to token ids, all padded to the longest of what came together, so that the graph computes them at once."""

    def __init__(self, folder: Path, threads: int) -> None:  # noqa: ARG002  every step is made alike
        self._preprocess = preprocess.make(manifests.read(folder), folder)

    def __call__(self, feeds: Feeds) -> Feeds:
        """Return the tensors that the graph takes."""
        return self._preprocess(texts(feeds[INPUTS]))


class Graph:
    """The network itself, for formats that no backend of Triton's reads."""

    def __init__(self, folder: Path, threads: int) -> None:
        manifest = manifests.read(folder)
        file = folder / manifest.model_file
        self._session = runtimes.load(manifest.runtime, file, threads=threads, options=manifest.options)
        self._output = manifest.outputs[0].name

    def __call__(self, feeds: Feeds) -> Feeds:
        """Return the network's first output."""
        return {self._output: self._session.run(self._output, feeds)}


class Answer:
    """The network's output to vectors or labels."""

    def __init__(self, folder: Path, threads: int) -> None:  # noqa: ARG002  every step is made alike
        manifest = manifests.read(folder)
        self._postprocess, self._output = postprocess.make(manifest), manifest.outputs[0].name
        self._say = speaker(manifest)

    def __call__(self, feeds: Feeds) -> Feeds:
        """Return the answer's tensors."""
        return self._say(finite(self._postprocess(feeds[self._output], feeds)))


class Whole:
    """All steps of a model in one."""

    def __init__(self, folder: Path, threads: int) -> None:
        self._model = Model.load(folder, threads=threads)
        self._model.prove()
        self._text = isinstance(self._model.manifest.preprocess, manifests.Tokenize)
        self._say = speaker(self._model.manifest)

    def __call__(self, feeds: Feeds) -> Feeds:
        """Return the answer's tensors."""
        model, given = self._model, feeds[INPUTS]
        if model.generator is not None:
            return generated(json.loads(model.generator.answer(texts(given), wishes(feeds.get(PARAMETERS)))))
        ready = model.preprocess(texts(given)) if self._text else model.preprocess.from_array(given)
        return self._say(finite(model.run(ready)))


STEPS: dict[str, Callable[[Path, int], Step]] = {
    "tokenize": Tokenize,
    "graph": Graph,
    "answer": Answer,
    "whole": Whole,
}


def texts(tensor: np.ndarray) -> list[str]:
    """Return the texts of a tensor of bytes, one a row."""
    found = []
    for index, value in enumerate(tensor.reshape(-1)):
        try:
            found.append(value.decode())
        except UnicodeDecodeError as error:
            raise InputError(f"inputs[{index}]: not UTF-8") from error
    return found


def wishes(tensor: np.ndarray | None) -> Any:
    """Return what a request asks of the answer's texts: JSON in the first row."""
    if tensor is None or tensor.size == 0:
        return {}
    try:
        return json.loads(tensor.reshape(-1)[0])
    except ValueError as error:
        raise InputError(f"parameters: not JSON: {error}") from error


def finite(answer: np.ndarray) -> np.ndarray:
    """Refuse an answer that holds no numbers."""
    if not np.isfinite(answer).all():
        raise FloatingPointError("the model's answer is not finite")
    return answer


def generated(document: dict[str, list[Any]]) -> Feeds:
    """Return the tensors of texts that were gone on with."""
    return {
        "generated_text": _strings(document["generated_text"]),
        "finish_reason": _strings(document["finish_reason"]),
        "generated_tokens": np.array(document["generated_tokens"], np.int32)[:, None],
    }


def speaker(manifest: manifests.Manifest) -> Callable[[np.ndarray], Feeds]:
    """Return what names the tensors of an answer, as our own server names the keys of its JSON."""
    after = manifest.postprocess
    if isinstance(after, manifests.Embed):
        return lambda answer: {"embeddings": answer}
    if isinstance(after, manifests.Classify):
        return lambda answer: _labelled(answer, after.labels)
    return lambda answer: {"outputs": answer}


def _labelled(answer: np.ndarray, labels: tuple[str, ...]) -> Feeds:
    best = answer.argmax(axis=1)
    return {
        "label": _strings([labels[index] for index in best]),
        "score": answer.max(axis=1, keepdims=True),
        "scores": answer,
    }


def _strings(values: list[str]) -> np.ndarray:
    return np.array([value.encode() for value in values], np.object_)[:, None]
