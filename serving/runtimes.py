"""What runs a model file: one class for each runtime, alike from outside."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from serving.errors import ModelError
from serving.gpu_runtimes import TensorRt, TensorRtRtx, require_gpu

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

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


@runtime_checkable
class KeepingSession(Session, Protocol):
    """A loaded model whose answer has parts that are kept for the next call."""

    def run_all(self, outputs: Sequence[str], feeds: Feeds) -> list[np.ndarray]:
        """Return several outputs, in this order."""


def load(runtime: str, path: Path, *, threads: int, calls: int = 1, options: Mapping[str, str]) -> Session:
    """Load a model file.

    Args:
        runtime: One of `RUNTIMES`; only the one that is named is imported.
        path: The model file; its weights may lie beside it.
        threads: How many work on one call.
        calls: How many are computed at once, each by threads of its own; more wait for one of these.
        options: What the runtime is told, in its own words: of onnxruntime the session's config entries, of OpenVINO
            the properties of a compiled model; on a GPU ``sm``, the architecture that the file is bound to.

    Raises:
        ModelError: If it is missing or cannot be loaded.
    """
    if not path.is_file():
        raise ModelError(f"{path}: missing, though the manifest names it")
    try:
        return RUNTIMES[runtime](path, threads, calls, options)
    except MemoryError:
        raise
    except Exception as error:  # the runtimes' own exceptions share no public base
        raise ModelError(f"{path}: cannot be loaded: {_reason(error)}") from error


class OnnxRuntime:
    """ONNX Runtime on the CPU; a call has its caller's thread, and the session's others where there are any."""

    providers: ClassVar[list[Any]] = ["CPUExecutionProvider"]

    def __init__(self, path: Path, threads: int, calls: int, options: Mapping[str, str]) -> None:  # noqa: ARG002
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        settings.inter_op_num_threads = 1
        settings.log_severity_level = 3  # errors; its warnings are no user's business
        for key, value in options.items():
            settings.add_session_config_entry(key, value)
        self._session = onnxruntime.InferenceSession(path, settings, providers=self.providers)
        self.inputs, self.outputs = _types(self._session.get_inputs()), _types(self._session.get_outputs())

    def run(self, output: str, feeds: Feeds) -> np.ndarray:
        """Return one output."""
        answer: np.ndarray = self._session.run([output], feeds)[0]
        return answer

    def run_all(self, outputs: Sequence[str], feeds: Feeds) -> list[np.ndarray]:
        """Return several outputs, in this order."""
        answers: list[np.ndarray] = self._session.run(outputs, feeds)
        return answers


class OnnxRuntimeCuda(OnnxRuntime):
    """ONNX Runtime on a GPU; a machine that would answer on its processor instead is refused."""

    providers: ClassVar[list[Any]] = [("CUDAExecutionProvider", {"use_tf32": "0"}), "CPUExecutionProvider"]

    def __init__(self, path: Path, threads: int, calls: int, options: Mapping[str, str]) -> None:
        import onnxruntime

        require_gpu(None)
        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            raise ModelError("this onnxruntime has no kernels for CUDA: install onnxruntime-gpu in its place")
        super().__init__(path, threads, calls, options)
        if "CUDAExecutionProvider" not in self._session.get_providers():
            raise ModelError("onnxruntime cannot start its kernels for CUDA: are CUDA and cuDNN installed?")


class OpenVino:
    """OpenVINO on the CPU.

    It computes in float32 unless the options say otherwise: its own default is bfloat16 where the processor has it, and
    then an artifact would answer differently from machine to machine. A stream computes one call; each process would
    bind its streams to the same first cores, so that the workers of one machine wait for each other: it is told not to.
    """

    def __init__(self, path: Path, threads: int, calls: int, options: Mapping[str, str]) -> None:
        import openvino

        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": "NO",
            **options,
            "INFERENCE_NUM_THREADS": str(threads * calls),
            "NUM_STREAMS": str(calls),
        }
        self._model = openvino.Core().compile_model(str(path), "CPU", settings)
        self.inputs, self.outputs = _ports(self._model.inputs), _ports(self._model.outputs)
        self._tensor = openvino.Tensor
        self._requests = threading.local()  # a request answers one caller at a time

    def run(self, output: str, feeds: Feeds) -> np.ndarray:
        """Return one output."""
        return self.run_all([output], feeds)[0]

    def run_all(self, outputs: Sequence[str], feeds: Feeds) -> list[np.ndarray]:
        """Return several outputs, in this order."""
        request = self._request()
        held = {name: np.ascontiguousarray(tensor) for name, tensor in feeds.items()}  # it only points to their memory
        for name, tensor in held.items():  # its own way with a dictionary takes 0.1 ms longer
            request.set_tensor(name, self._tensor(tensor, shared_memory=True))
        request.infer(share_outputs=True)
        return [request.get_tensor(output).data.copy() for output in outputs]  # the next call writes over its own

    def _request(self) -> Any:
        request = getattr(self._requests, "own", None)
        if request is None:
            request = self._requests.own = self._model.create_infer_request()
        return request


RUNTIMES: dict[str, Callable[[Path, int, int, Mapping[str, str]], Session]] = {
    "onnxruntime": OnnxRuntime,
    "onnxruntime-cuda": OnnxRuntimeCuda,
    "openvino": OpenVino,
    "tensorrt": TensorRt,
    "tensorrt-rtx": TensorRtRtx,
}


def _types(nodes: list[Any]) -> dict[str, str]:
    kinds = {node.name: node.type.removeprefix("tensor(").removesuffix(")") for node in nodes}
    return {name: _NUMPY.get(kind, kind) for name, kind in kinds.items()}


def _ports(ports: list[Any]) -> dict[str, str]:
    kinds = {port.any_name: port.element_type.get_type_name() for port in ports}
    return {name: _LETTERS.get(kind[0], kind[0]) + kind[1:] for name, kind in kinds.items()}


def _reason(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip() != ""), type(error).__name__)
