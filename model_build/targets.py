"""The presets: what is done to a model for each target, in order. Adding a target is adding an entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_build.passes.benchmark import Benchmark
from model_build.passes.export import Export
from model_build.passes.load import Load
from model_build.passes.optimize import Optimize
from model_build.passes.package import Package
from model_build.passes.quantize_dynamic import QuantizeDynamic
from model_build.passes.quantize_static import QuantizeStatic
from model_build.passes.verify import Verify

if TYPE_CHECKING:
    from model_build.work import Pass
    from slipway.specs import ModelSpec

SHAPING: dict[str, dict[str, tuple[Pass, ...]]] = {
    "cpu-fp32": {
        "sentence-embedding": (Export(), Optimize()),
        "image-classification": (Export(), Optimize()),
        "transformation": (Export(), Optimize()),
    },
    "cpu-int8": {
        "sentence-embedding": (Export(), Optimize(), QuantizeDynamic()),
        "image-classification": (Export(), Optimize(), QuantizeStatic()),
    },
}
"""Target, then task: the passes that shape the graph."""

LIBRARIES = ("torch", "onnx", "onnxscript", "onnxruntime", "numpy")
"""Distributions that shape every result; a source names its own beside them."""


def proving_passes(spec: ModelSpec) -> tuple[Pass, ...]:
    """Return what is done up to the proof; several models may be here at once."""
    return (Load(), *SHAPING[spec.target][spec.task], Verify())


def finishing_passes() -> tuple[Pass, ...]:
    """Return what is done once a model is proved; nothing else should run on the machine meanwhile."""
    return (Benchmark(), Package())


def all_passes(spec: ModelSpec) -> tuple[Pass, ...]:
    """Return the whole recipe."""
    return (*proving_passes(spec), *finishing_passes())


def recipe(spec: ModelSpec) -> str:
    """Say in words what shapes the graph."""
    return " > ".join(str(step) for step in SHAPING[spec.target][spec.task])
