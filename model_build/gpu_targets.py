"""The recipes for ``target: gpu``: two compilers in each precision, and what remains where neither can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from model_build.passes.compile_tensorrt import MODULES, CompileTensorRt
from model_build.passes.convert_precision import ConvertPrecision
from model_build.passes.export import Export
from model_build.passes.hand_to_cuda import HandToCuda
from model_build.passes.quantize_qdq import QuantizeQdq

if TYPE_CHECKING:
    from model_build.work import ShapingPass
    from slipway.specs import ModelSpec
    from slipway.specs.gpu import Gpu, Precision

GPU_LIBRARIES: Final = ("tensorrt", "tensorrt-rtx", "onnxruntime-gpu")
"""Distributions that shape a GPU's artifact where they are installed."""
PRECISIONS: Final[tuple[Precision, ...]] = ("fp16", "int8", "fp8", "fp32")
BEFORE_ATTENTION: Final = 20
"""Opset 23 has attention as one operator, of which TensorRT-RTX takes few shapes and types; fp8 begins with 19."""
SMOOTH: Final = 0.8
"""For int8 in transformers; see ``QuantizeQdq`` for what was measured."""


def on_gpu(spec: ModelSpec, gpu: Gpu) -> dict[str, tuple[ShapingPass, ...]]:
    """Return the passes of each recipe by its name."""
    wanted = PRECISIONS if gpu.precision is None else (gpu.precision,)
    found: dict[str, tuple[ShapingPass, ...]] = {}
    for backend in MODULES:
        for precision in wanted:
            batch, length = _batch(spec, gpu), _length(spec, gpu)
            engine = CompileTensorRt(backend, gpu.architecture, precision, batch, length)
            found[f"{backend}-{precision}"] = (*_typed(precision, spec), engine)
    remaining: Precision = "fp32" if gpu.precision == "fp32" else "fp16"
    found[f"onnxruntime-cuda-{remaining}"] = (*_typed(remaining, spec), HandToCuda())
    return found


def _typed(precision: Precision, spec: ModelSpec) -> tuple[ShapingPass, ...]:
    """Return what makes a graph whose types say the precision."""
    smooth = SMOOTH if spec.task == "sentence-embedding" else 0.0
    passes: dict[Precision, tuple[ShapingPass, ...]] = {
        "fp32": (),
        "fp16": (ConvertPrecision(),),
        "int8": (QuantizeQdq("int8", smooth=smooth), ConvertPrecision()),
        "fp8": (QuantizeQdq("fp8"), ConvertPrecision()),
    }
    return (Export(BEFORE_ATTENTION), *passes[precision])


def _batch(spec: ModelSpec, gpu: Gpu) -> tuple[int, int]:
    largest = max(spec.benchmark.batch)
    return (largest, largest) if gpu.batch is None else (gpu.batch.best, gpu.batch.max)


def _length(spec: ModelSpec, gpu: Gpu) -> tuple[int, int | None] | None:
    if gpu.sequence_length is not None:
        return (gpu.sequence_length.best, gpu.sequence_length.max)
    lengths = spec.benchmark.sequence_length
    return None if lengths is None else (max(lengths), None)
