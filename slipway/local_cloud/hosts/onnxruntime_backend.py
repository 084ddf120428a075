"""Triton's ``onnxruntime`` backend for machines that have only its python backend: the same runtime, from Python.

pytriton's tritonserver brings no other. Triton takes a folder with a ``model.py`` for a backend of its name, so that it
serves ``platform: "onnxruntime_onnx"`` from the very configuration that AWS's image serves. Runs in a process of the
python backend; imports nothing of ours.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

FILE = "model.onnx"


class TritonPythonModel:
    """One ONNX model, by the names that the python backend calls."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the model; what it raises is why it is not ready."""
        self._numpy, self._triton = (
            importlib.import_module("numpy"),
            importlib.import_module("triton_python_backend_utils"),
        )
        runtime, config = importlib.import_module("onnxruntime"), json.loads(args["model_config"])
        settings = runtime.SessionOptions()
        threads = config.get("parameters", {}).get("intra_op_thread_count", {}).get("string_value", "0")
        settings.intra_op_num_threads, settings.inter_op_num_threads = int(threads), 1
        file = Path(args["model_repository"]) / args["model_version"] / FILE
        self._session = runtime.InferenceSession(str(file), settings, providers=["CPUExecutionProvider"])
        self._inputs = [tensor["name"] for tensor in config["input"]]
        self._outputs = [tensor["name"] for tensor in config["output"]]
        self._together = config["max_batch_size"] > 0

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request, in their order; those that Triton batched are computed at once."""
        feeds = [{name: self._tensor(request, name) for name in self._inputs} for request in requests]
        if self._together and len({tuple(each[name].shape[1:] for name in self._inputs) for each in feeds}) == 1:
            joined = {name: self._numpy.concatenate([each[name] for each in feeds]) for name in self._inputs}
            ends = self._numpy.cumsum([len(each[self._inputs[0]]) for each in feeds])[:-1]
            parts = [self._numpy.split(output, ends) for output in self._session.run(self._outputs, joined)]
            return [self._response([part[index] for part in parts]) for index in range(len(requests))]
        return [self._response(self._session.run(self._outputs, each)) for each in feeds]

    def _tensor(self, request: Any, name: str) -> Any:
        return self._triton.get_input_tensor_by_name(request, name).as_numpy()

    def _response(self, outputs: list[Any]) -> Any:
        tensors = [self._triton.Tensor(name, output) for name, output in zip(self._outputs, outputs, strict=True)]
        return self._triton.InferenceResponse(tensors)
