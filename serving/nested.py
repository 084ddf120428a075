"""Nested numbers, or an array, to the model's one tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from serving.errors import InputError, ManifestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from serving.batching import Padding
    from serving.manifest import Tensor
    from serving.preprocess import Feeds


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
