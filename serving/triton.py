"""The steps of a model inside Triton's python backend: the same code that our own server answers with.

Triton imports `model.py`, which takes `TritonPythonModel` from here; the step is a parameter of the model's
configuration. Requests that Triton batched are computed together, and each gets its own rows.
"""

from __future__ import annotations

import importlib
import json
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from serving.errors import InputError
from serving.triton_steps import STEPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from serving.preprocess import Feeds

INTERNAL = "the request could not be answered"


class TritonPythonModel:
    """One model of the repository, by the names that the python backend calls."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the step; what it raises is why the model is not ready.

        Args:
            args: As the backend gives them, all text.
        """
        self._triton = importlib.import_module("triton_python_backend_utils")  # there in the backend's process alone
        config = json.loads(args["model_config"])
        folder = Path(args["model_repository"]) / args["model_version"]
        settings = {key: value["string_value"] for key, value in config.get("parameters", {}).items()}
        self._inputs = [tensor["name"] for tensor in config["input"]]
        self._strings = [tensor["name"] for tensor in config["output"] if tensor["data_type"] == "TYPE_STRING"]
        self._step = STEPS[settings["step"]](folder, int(settings.get("threads", "1")))
        self._together = config["max_batch_size"] > 0

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer each request, in their order."""
        feeds = [self._read(request) for request in requests]
        return [self._response(answer) for answer in self.answers(feeds)]

    def answers(self, feeds: list[Feeds]) -> list[Feeds | InputError | Exception]:
        """Return the tensors of each answer, or why there is none; one request's fault is not another's."""
        if not self._together or len(feeds) == 1 or len({_kind(each) for each in feeds}) > 1:
            return [self._alone(each) for each in feeds]
        try:
            joined = {name: np.concatenate([each[name] for each in feeds]) for name in feeds[0]}
            answer = self._step(joined)
        except Exception:  # noqa: BLE001  which of them it was shows when each is asked on its own
            return [self._alone(each) for each in feeds]
        ends = np.cumsum([_rows(each) for each in feeds])[:-1]
        parts = {name: np.split(tensor, ends) for name, tensor in answer.items()}
        return [{name: parts[name][index] for name in parts} for index in range(len(feeds))]

    def _alone(self, feeds: Feeds) -> Feeds | Exception:
        try:
            return self._step(feeds)
        except Exception as error:  # noqa: BLE001  becomes this request's answer
            return error

    def _read(self, request: Any) -> Feeds:
        tensors = {name: self._triton.get_input_tensor_by_name(request, name) for name in self._inputs}
        return {name: tensor.as_numpy() for name, tensor in tensors.items() if tensor is not None}

    def _response(self, answer: Feeds | Exception) -> Any:
        triton = self._triton
        if isinstance(answer, InputError):
            return triton.InferenceResponse(error=triton.TritonError(answer.message, triton.TritonError.INVALID_ARG))
        if isinstance(answer, Exception):
            traceback.print_exception(answer)
            return triton.InferenceResponse(error=triton.TritonError(INTERNAL, triton.TritonError.INTERNAL))
        tensors = [triton.Tensor(name, self._typed(name, tensor)) for name, tensor in answer.items()]
        return triton.InferenceResponse(tensors)

    def _typed(self, name: str, tensor: np.ndarray) -> np.ndarray:
        return tensor.astype(np.object_) if name in self._strings else np.ascontiguousarray(tensor)


def _rows(feeds: Feeds) -> int:
    return len(next(iter(feeds.values())))


def _kind(feeds: Feeds) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Return what two requests must have in common to be computed together."""
    return tuple(sorted((name, tensor.shape[1:]) for name, tensor in feeds.items()))
