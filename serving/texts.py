"""Texts to the model's tensors: token ids, and which of them are no padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Tokenizer

from serving import manifest as manifests
from serving import words
from serving.batching import Padding
from serving.errors import InputError, ManifestError, ModelError
from serving.nested import json_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from serving.manifest import Tensor
    from serving.preprocess import Feeds

_PAD_TOKENS = ("[PAD]", "<pad>")
_MADE = ("input_ids", "attention_mask", "token_type_ids")


class TokenizeTexts:
    """Texts to token ids: padded to the longest of the request, cut at the manifest's `max_length`."""

    accepts_arrays = False

    def __init__(self, spec: manifests.Tokenize, inputs: tuple[Tensor, ...], folder: Path) -> None:
        for tensor in inputs:
            if tensor.name not in _MADE:
                raise ManifestError(f"inputs: {tensor.name!r} is not made by a tokenizer, accepted: {', '.join(_MADE)}")
        self._tokenizer = _read(folder / spec.tokenizer_file)
        fillers, self._left = _padding(self._tokenizer)
        self._feeds = [(tensor.name, np.dtype(tensor.dtype), fillers[tensor.name]) for tensor in inputs]
        self.padding: Padding | None = Padding({name: filler for name, _, filler in self._feeds}, self._left)
        self._tokenizer.no_padding()  # a saved tokenizer may pad each text to a fixed length
        self._tokenizer.enable_truncation(spec.max_length)
        self._words = words.of(self._tokenizer, spec.max_length)

    def __call__(self, inputs: list[Any]) -> Feeds:
        """Return the token tensors that the model takes."""
        _require_texts(inputs)
        columns = self._columns(inputs)
        longest = max(map(len, columns["input_ids"]))
        if longest == 0:
            raise InputError("inputs: no text holds a token")
        return {
            name: _filled(columns[name], longest, filler, dtype, left=self._left) for name, dtype, filler in self._feeds
        }

    def _columns(self, texts: list[str]) -> dict[str, list[list[int]]]:
        if self._words is not None:
            ids = [self._words(text) for text in texts]
            kinds = [[0] * len(row) for row in ids]
        else:
            # The fast form leaves the character offsets out, which nothing here asks for; it also lets go of the GIL.
            encodings = self._tokenizer.encode_batch_fast(texts)
            ids = [encoding.ids for encoding in encodings]
            kinds = [encoding.type_ids for encoding in encodings]
        return dict(zip(_MADE, (ids, [[1] * len(row) for row in ids], kinds), strict=True))

    def from_array(self, array: np.ndarray) -> Feeds:
        """Refuse: texts do not come as an array."""
        raise InputError(f"an array of {array.dtype} where texts belong")


class TokenizePrompts:
    """Texts to token ids for a model that generates.

    A prompt is not cut: what comes after it depends on its end and its beginning alike.

    Args:
        spec: Names the tokenizer.
        folder: Where it lies.
        goes_on: Whether the model goes on with the text, so that all end at one place, padded on the left, and share
            the context with their answers. Else it answers, and texts begin at one place.
    """

    accepts_arrays = False
    padding: Padding | None = None

    def __init__(self, spec: manifests.Tokenize | manifests.TensorInput, folder: Path, *, goes_on: bool) -> None:
        if not isinstance(spec, manifests.Tokenize):
            raise ManifestError("preprocess.kind: 'tensor' makes no prompts, postprocess 'generate' needs 'tokenize'")
        self.tokenizer = _read(folder / spec.tokenizer_file)
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.context = spec.max_length
        self._goes_on = goes_on

    def __call__(self, inputs: list[Any]) -> Feeds:
        """Return token ids and which of them are no padding."""
        _require_texts(inputs)
        prompts = [encoding.ids for encoding in self.tokenizer.encode_batch_fast(inputs)]
        most = self.context - self._goes_on
        for index, prompt in enumerate(prompts):
            if not 0 < len(prompt) <= most:
                left = f", so that a token of the context of {self.context} is left" * self._goes_on
                raise InputError(f"inputs[{index}]: {len(prompt)} tokens, accepted: 1 to {most}{left}")
        ids = np.zeros((len(prompts), max(map(len, prompts))), np.int64)
        mask = np.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            place = slice(-len(prompt), None) if self._goes_on else slice(len(prompt))
            ids[row, place], mask[row, place] = prompt, 1
        return {"input_ids": ids, "attention_mask": mask}

    def from_array(self, array: np.ndarray) -> Feeds:
        """Refuse: texts do not come as an array."""
        raise InputError(f"an array of {array.dtype} where texts belong")


def _require_texts(inputs: list[Any]) -> None:
    if len(inputs) == 0:
        raise InputError("inputs: empty, accepted: one text or more")
    for index, text in enumerate(inputs):
        if type(text) is not str:
            raise InputError(f"inputs[{index}]: {json_name(text)} where a text belongs")


def _filled(
    rows: Sequence[Sequence[int]], longest: int, filler: int, dtype: np.dtype[Any], *, left: bool
) -> np.ndarray:
    if len(rows) == 1:
        return np.array(rows, dtype)
    whole = np.full((len(rows), longest), filler, dtype)
    for line, row in zip(whole, rows, strict=True):
        line[longest - len(row) if left else 0 :][: len(row)] = row
    return whole


def _read(path: Path) -> Tokenizer:
    if not path.is_file():
        raise ModelError(f"{path}: missing, though the manifest names it")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise ModelError(f"{path}: not a tokenizer: {error}") from error


def _padding(tokenizer: Tokenizer) -> tuple[dict[str, int], bool]:
    """Return what each tensor is filled up with, and whether before the text, not after it."""
    saved = tokenizer.padding or {}
    of_token = (tokenizer.token_to_id(token) for token in _PAD_TOKENS)
    filler = saved.get("pad_id", next((found for found in of_token if found is not None), 0))
    return dict(zip(_MADE, (filler, 0, saved.get("pad_type_id", 0)), strict=True)), saved.get("direction") == "left"
