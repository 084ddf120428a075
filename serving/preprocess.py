"""What turns a request's inputs into the model's tensors, by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from tokenizers import Tokenizer

from serving import manifest as manifests
from serving.batching import Padding
from serving.errors import InputError, ManifestError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from serving.manifest import Manifest, Tensor

Feeds = dict[str, np.ndarray]

_PAD_TOKENS = ("[PAD]", "<pad>")


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


class TokenizeTexts:
    """Texts to token ids: padded to the longest of the request, cut at the manifest's `max_length`."""

    accepts_arrays = False
    _columns: tuple[tuple[str, str], ...] = (
        ("input_ids", "ids"),
        ("attention_mask", "attention_mask"),
        ("token_type_ids", "type_ids"),
    )

    def __init__(self, spec: manifests.Tokenize, inputs: tuple[Tensor, ...], folder: Path) -> None:
        self._tokenizer = _tokenizer(folder / spec.tokenizer_file, spec.max_length)
        columns = dict(self._columns)
        for tensor in inputs:
            if tensor.name not in columns:
                raise ManifestError(
                    f"inputs: {tensor.name!r} is not made by a tokenizer, accepted: {', '.join(columns)}"
                )
        self._feeds = [(tensor.name, columns[tensor.name], np.dtype(tensor.dtype)) for tensor in inputs]
        self.padding: Padding | None = _padding_of(self._tokenizer, self._feeds)

    def __call__(self, inputs: list[Any]) -> Feeds:
        """Return the token tensors that the model takes."""
        _require_texts(inputs)
        # The fast form leaves the character offsets out, which nothing here asks for; it also lets go of the GIL.
        encodings = self._tokenizer.encode_batch_fast(inputs)
        if len(encodings[0].ids) == 0:
            raise InputError("inputs: no text holds a token")
        return {
            name: np.array([getattr(encoding, column) for encoding in encodings], dtype=dtype)
            for name, column, dtype in self._feeds
        }

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


def _tokenizer(path: Path, max_length: int) -> Tokenizer:
    tokenizer = _read(path)
    tokenizer.enable_truncation(max_length)
    # A saved tokenizer may pad to a fixed length, which would cost that length for every short text.
    tokenizer.enable_padding(**_padding(tokenizer))
    return tokenizer


def _read(path: Path) -> Tokenizer:
    if not path.is_file():
        raise ModelError(f"{path}: missing, though the manifest names it")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise ModelError(f"{path}: not a tokenizer: {error}") from error


def _padding(tokenizer: Tokenizer) -> dict[str, Any]:
    saved = tokenizer.padding
    if saved is not None:
        return {key: saved[key] for key in ("direction", "pad_id", "pad_type_id", "pad_token")}
    for token in _PAD_TOKENS:
        pad_id = tokenizer.token_to_id(token)
        if pad_id is not None:
            return {"pad_id": pad_id, "pad_token": token}
    return {}


def _padding_of(tokenizer: Tokenizer, feeds: list[tuple[str, str, np.dtype[Any]]]) -> Padding:
    saved = tokenizer.padding
    assert saved is not None  # noqa: S101  set when the tokenizer was read
    fillers = {"ids": saved["pad_id"], "attention_mask": 0, "type_ids": saved["pad_type_id"]}
    return Padding({name: fillers[column] for name, column, _ in feeds}, saved["direction"] == "left")


class NestedNumbers:
    """Nested numbers, or an array, to the model's one tensor."""

    accepts_arrays = True
    padding: Padding | None = None

    def __init__(self, inputs: tuple[Tensor, ...]) -> None:
        if len(inputs) != 1:
            raise ManifestError(f"inputs: {len(inputs)} tensors, a model fed with nested numbers takes one")
        self._tensor = inputs[0]
        self._dtype = np.dtype(inputs[0].dtype)
        self._accepted = f"{inputs[0].dtype} {list(inputs[0].shape)}"

    def __call__(self, inputs: list[Any]) -> Feeds:
        """Return the model's tensor for nested lists."""
        _check_numbers(inputs, len(self._tensor.shape), "inputs")
        try:
            array = np.array(inputs)
        except ValueError as error:
            raise InputError(f"inputs: rows of unequal length, accepted: {self._accepted}") from error
        return self.from_array(array)

    def from_array(self, array: np.ndarray) -> Feeds:
        """Return the model's tensor for an array that has its shape and a type that fits in its type."""
        if array.size == 0:
            raise InputError(f"inputs: empty, shape {list(array.shape)}, accepted: {self._accepted}")
        if not _fits(array.shape, self._tensor.shape):
            raise InputError(f"inputs: shape {list(array.shape)}, accepted: {self._accepted}")
        return {self._tensor.name: self._convert(array)}

    def _convert(self, array: np.ndarray) -> np.ndarray:
        if array.dtype.kind not in "iuf" or not np.can_cast(array.dtype, self._dtype, "same_kind"):
            raise InputError(f"inputs: numbers of type {array.dtype}, accepted: {self._accepted}")
        with np.errstate(over="ignore", invalid="ignore"):  # judged below, in words
            converted = np.ascontiguousarray(array, dtype=self._dtype)
        if self._dtype.kind == "f" and not np.isfinite(converted).all():
            raise InputError(f"inputs: a number is NaN, infinite or beyond {self._dtype}, accepted: finite numbers")
        if self._dtype.kind != "f" and converted.dtype != array.dtype and not np.array_equal(converted, array):
            raise InputError(f"inputs: a number is beyond {self._dtype}, accepted: {self._accepted}")
        return converted


def _check_numbers(value: list[Any], depth: int, where: str) -> None:
    """Refuse what numpy would silently turn into numbers (true, "1.5") or call an object (null)."""
    wanted: Callable[[Any], bool] = _is_number if depth == 1 else _is_list
    if depth == 1 and set(map(type, value)) <= {int, float}:  # a whole row at C speed
        return
    for index, item in enumerate(value):
        if not wanted(item):
            accepted = "a number" if depth == 1 else "an array"
            raise InputError(f"{where}[{index}]: {json_name(item)} where {accepted} belongs")
        if depth > 1:
            _check_numbers(item, depth - 1, f"{where}[{index}]")


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_list(value: Any) -> bool:
    return type(value) is list


def _fits(shape: tuple[int, ...], accepted: tuple[int | str, ...]) -> bool:
    return len(shape) == len(accepted) and all(
        isinstance(want, str) or want == have for have, want in zip(shape, accepted, strict=True)
    )


def json_name(value: Any) -> str:
    """Name a JSON value's kind as its writer would."""
    names = {
        dict: "an object",
        list: "an array",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "null")
