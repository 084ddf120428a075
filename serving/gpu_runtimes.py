"""What runs a model file on an NVIDIA GPU. Written against TensorRT 10 and 11, and TensorRT-RTX 1.7."""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from serving import cuda

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from serving.preprocess import Feeds


def require_gpu(sm: str | None) -> None:
    """Refuse a machine that cannot run the model.

    Args:
        sm: The architecture that the model is compiled for; None where any GPU will do.

    Raises:
        CudaError: If there is no GPU, or one of another architecture.
    """
    found = cuda.devices()
    if not found:
        raise cuda.CudaError("it needs an NVIDIA GPU, and this machine has none (or no driver for it)")
    if sm is not None and str(found[0].sm) != sm:
        raise cuda.CudaError(f"it is compiled for SM {sm}, and this machine's {found[0].name} is SM {found[0].sm}")


def parts(feeds: Feeds, most: int) -> Iterator[Feeds]:
    """Yield a request in parts of at most `most` inputs: an engine takes no more at once."""
    count = len(next(iter(feeds.values())))
    for start in range(0, max(count, 1), most):
        yield {name: tensor[start : start + most] for name, tensor in feeds.items()}


class TensorRt:
    """TensorRT on the GPU that the engine was compiled for; each thread has a context of its own."""

    module: ClassVar[str] = "tensorrt"

    def __init__(self, path: Path, threads: int, calls: int, options: Mapping[str, str]) -> None:  # noqa: ARG002  the GPU has its own
        require_gpu(options.get("sm"))
        trt = importlib.import_module(self.module)
        self._driver = cuda.Driver()
        self._driver.enter()
        self._runtime = trt.Runtime(trt.Logger(trt.Logger.ERROR))
        self._engine = self._runtime.deserialize_cuda_engine(path.read_bytes())
        if self._engine is None:
            raise cuda.CudaError(f"{self.module} {trt.__version__} cannot read this engine: was it built by another?")
        names = [self._engine.get_tensor_name(number) for number in range(self._engine.num_io_tensors)]
        types = {name: np.dtype(trt.nptype(self._engine.get_tensor_dtype(name))).name for name in names}
        modes = {name: self._engine.get_tensor_mode(name) for name in names}
        self.inputs = {name: types[name] for name in names if modes[name] == trt.TensorIOMode.INPUT}
        self.outputs = {name: types[name] for name in names if modes[name] == trt.TensorIOMode.OUTPUT}
        self._most = min(int(self._engine.get_tensor_profile_shape(name, 0)[2][0]) for name in self.inputs)
        self._callers = threading.local()

    def run(self, output: str, feeds: Feeds) -> np.ndarray:
        """Return one output."""
        caller = getattr(self._callers, "own", None)
        if caller is None:
            caller = self._callers.own = Caller(self._engine, self._driver, self.outputs)
        answers = [caller.run(output, part) for part in parts(feeds, self._most)]
        return answers[0] if len(answers) == 1 else np.concatenate(answers)


class TensorRtRtx(TensorRt):
    """TensorRT-RTX, whose engines are its own."""

    module: ClassVar[str] = "tensorrt_rtx"


class Caller:
    """What one thread needs: a context, a queue, and memory on the GPU that grows with the largest request."""

    def __init__(self, engine: Any, driver: cuda.Driver, outputs: Mapping[str, str]) -> None:
        driver.enter()
        self._driver, self._outputs = driver, outputs
        self._context, self._stream = engine.create_execution_context(), driver.stream()
        self._memory: dict[str, tuple[int, int]] = {}

    def run(self, output: str, feeds: Feeds) -> np.ndarray:
        """Return one output for a request that the engine takes at once."""
        arrays = {name: np.ascontiguousarray(tensor) for name, tensor in feeds.items()}
        for name, array in arrays.items():
            if not self._context.set_input_shape(name, array.shape):
                raise cuda.CudaError(f"{name}: the engine takes no shape {array.shape}")
            self._driver.upload(self._place(name, array.nbytes), array, self._stream)
        shapes = {name: tuple(self._context.get_tensor_shape(name)) for name in self._outputs}
        answers = {name: np.empty(shapes[name], kind) for name, kind in self._outputs.items()}
        for name, answer in answers.items():
            self._place(name, answer.nbytes)
        if not self._context.execute_async_v3(self._stream):
            raise cuda.CudaError("the engine could not be run")
        self._driver.download(answers[output], self._memory[output][0], self._stream)
        self._driver.wait(self._stream)
        return answers[output]

    def _place(self, name: str, size: int) -> int:
        """Return the address of enough memory for a tensor, and tell the engine."""
        address, held = self._memory.get(name, (0, 0))
        if held < size:
            if held > 0:
                self._driver.free(address)
            address = self._driver.allocate(size)
            self._memory[name] = (address, size)
        self._context.set_tensor_address(name, address)
        return address
