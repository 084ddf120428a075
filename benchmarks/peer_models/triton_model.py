"""The model behind Triton's python backend; copied into a model repository as `1/model.py`."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from serving.model import Model


class TritonPythonModel:
    """Text in, embeddings out."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the model in an instance's process."""
        self._triton = importlib.import_module("triton_python_backend_utils")  # there in that process alone
        settings = json.loads(args["model_config"])["parameters"]
        threads = int(settings["threads"]["string_value"])
        self._model = Model.load(Path(settings["folder"]["string_value"]), threads=threads)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        texts = self._triton.get_input_tensor_by_name(request, "inputs").as_numpy()
        answer = self._model.predict([text.decode() for text in texts.reshape(-1)])
        tensor = self._triton.Tensor("embeddings", np.ascontiguousarray(answer))
        return self._triton.InferenceResponse([tensor])
