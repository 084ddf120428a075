"""What runs a model file: one class for each runtime, alike from outside."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

from serving.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from serving.preprocess import Feeds

_NUMPY = {"float": "float32", "double": "float64"}
_LETTERS = {"f": "float", "i": "int", "u": "uint"}


class Session(Protocol):
    """A loaded model file; safe to call from several threads at once."""

    inputs: dict[str, str]
    """Numpy type by name."""
    outputs: dict[str, str]
    """Likewise."""

    def run(self, output: str, feeds: Feeds) -> np.ndarray:
        """Return one output."""

    def run_all(self, outputs: Sequence[str], feeds: Feeds) -> list[np.ndarray]:
        """Return several outputs, in this order."""


def load(runtime: str, path: Path, *, threads: int, options: Mapping[str, str]) -> Session:
    """Load a model file.

    Args:
        runtime: ``onnxruntime`` or ``openvino``; only the one that is named is imported.
        path: The model file; its weights may lie beside it.
        threads: How many work on one call.
        options: What the runtime is told, in its own words: of onnxruntime the session's config entries, of OpenVINO
            the properties of a compiled model.

    Raises:
        ModelError: If it is missing or cannot be loaded.
    """
    if not path.is_file():
        raise ModelError(f"{path}: missing, though the manifest names it")
    try:
        return RUNTIMES[runtime](path, threads, options)
    except MemoryError:
        raise
    except Exception as error:  # the runtimes' own exceptions share no public base
        raise ModelError(f"{path}: cannot be loaded: {_reason(error)}") from error


class OnnxRuntime:
    """ONNX Runtime on the CPU."""

    def __init__(self, path: Path, threads: int, options: Mapping[str, str]) -> None:
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        settings.inter_op_num_threads = 1
        settings.log_severity_level = 3  # errors; its warnings are no user's business
        for key, value in options.items():
            settings.add_session_config_entry(key, value)
        self._session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
        self.inputs, self.outputs = _types(self._session.get_inputs()), _types(self._session.get_outputs())

    def run(self, output: str, feeds: Feeds) -> np.ndarray:
        """Return one output."""
        answer: np.ndarray = self._session.run([output], feeds)[0]
        return answer

    def run_all(self, outputs: Sequence[str], feeds: Feeds) -> list[np.ndarray]:
        """Return several outputs, in this order."""
        answers: list[np.ndarray] = self._session.run(outputs, feeds)
        return answers


class OpenVino:
    """OpenVINO on the CPU.

    It computes in float32 unless the options say otherwise: its own default is bfloat16 where the processor has it, and
    then an artifact would answer differently from machine to machine.
    """

    def __init__(self, path: Path, threads: int, options: Mapping[str, str]) -> None:
        import openvino

        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            **options,
            "INFERENCE_NUM_THREADS": str(threads),
            "NUM_STREAMS": "1",
        }
        self._model = openvino.Core().compile_model(str(path), "CPU", settings)
        self.inputs, self.outputs = _ports(self._model.inputs), _ports(self._model.outputs)
        self._requests = threading.local()  # a request answers one caller at a time

    def run(self, output: str, feeds: Feeds) -> np.ndarray:
        """Return one output."""
        answer: np.ndarray = self._request().infer(feeds, share_inputs=True)[output]
        return answer

    def run_all(self, outputs: Sequence[str], feeds: Feeds) -> list[np.ndarray]:
        """Return several outputs, in this order."""
        answers = self._request().infer(feeds, share_inputs=True)
        return [answers[output] for output in outputs]

    def _request(self) -> Any:
        request = getattr(self._requests, "own", None)
        if request is None:
            request = self._requests.own = self._model.create_infer_request()
        return request


RUNTIMES: dict[str, type[OnnxRuntime | OpenVino]] = {"onnxruntime": OnnxRuntime, "openvino": OpenVino}


def _types(nodes: list[Any]) -> dict[str, str]:
    kinds = {node.name: node.type.removeprefix("tensor(").removesuffix(")") for node in nodes}
    return {name: _NUMPY.get(kind, kind) for name, kind in kinds.items()}


def _ports(ports: list[Any]) -> dict[str, str]:
    kinds = {port.any_name: port.element_type.get_type_name() for port in ports}
    return {name: _LETTERS.get(kind[0], kind[0]) + kind[1:] for name, kind in kinds.items()}


def _reason(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip() != ""), type(error).__name__)
