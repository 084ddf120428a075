"""The recipes: what may be done to a model for each target. Adding a recipe is adding an entry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from model_build.gpu_targets import on_gpu
from model_build.llm_target import LLM_LIBRARIES, around_llm, for_llm
from model_build.passes.benchmark import Benchmark
from model_build.passes.compress_mixed import CompressMixed
from model_build.passes.compress_weights import CompressWeights
from model_build.passes.convert import Convert
from model_build.passes.export import Export
from model_build.passes.export_decoder import ExportDecoder
from model_build.passes.load import Load
from model_build.passes.optimize import Optimize
from model_build.passes.package import Package
from model_build.passes.quantize_calibrated import QuantizeCalibrated
from model_build.passes.quantize_dynamic import QuantizeDynamic
from model_build.passes.quantize_mixed import QuantizeMixed
from model_build.passes.quantize_static import QuantizeStatic
from model_build.passes.untie_head import UntieHead
from model_build.passes.verify import Verify, gate
from model_build.shrinking import PRUNING, shrunk

if TYPE_CHECKING:
    from model_build.shrinking import Form
    from model_build.work import FormingPass, Pass
    from slipway.specs import ModelSpec, Target, Task


@dataclass(frozen=True)
class Recipe:
    """One way to shape a model.

    Args:
        name: Runtime and precision, as people say it.
        passes: In order; recipes that begin alike share what these passes make.
        spared_by: Name of a simpler recipe: where that one passes the gate, this one is not tried.
    """

    name: str
    passes: tuple[FormingPass, ...]
    spared_by: str = ""

    def after(self, form: Form) -> Recipe:
        """Return the same recipe for another network."""
        return replace(
            self,
            name=self.name + form.suffix,
            passes=(*form.passes, *self.passes),
            spared_by=self.spared_by and self.spared_by + form.suffix,
        )

    def __str__(self) -> str:
        return " > ".join(str(step) for step in self.passes)


TEXT: Final = (
    Recipe("onnxruntime-fp32", (Export(), Optimize())),
    Recipe("onnxruntime-int8", (Export(), Optimize(), QuantizeDynamic())),
    Recipe("openvino-fp32", (Export(), Convert())),
    Recipe("openvino-bf16", (Export(), Convert("bf16"))),
    Recipe("openvino-int8", (Export(), QuantizeCalibrated(transformer=True))),
    Recipe("openvino-int8-weights", (Export(), CompressWeights())),
    Recipe("openvino-int4-weights", (Export(), CompressWeights(bits=4))),
)
IMAGES: Final = (
    Recipe("onnxruntime-fp32", (Export(), Optimize())),
    Recipe("onnxruntime-int8", (Export(), Optimize(), QuantizeStatic())),
    Recipe("openvino-fp32", (Export(), Convert())),
    Recipe("openvino-bf16", (Export(), Convert("bf16"))),
    Recipe("openvino-int8", (Export(), QuantizeCalibrated())),
)
TENSORS: Final = (
    Recipe("onnxruntime-fp32", (Export(), Optimize())),
    Recipe("openvino-fp32", (Export(), Convert())),
)
GENERATION: Final = (
    Recipe("onnxruntime-fp32", (ExportDecoder(), Optimize())),
    Recipe("onnxruntime-int8", (ExportDecoder(), UntieHead(), Optimize(), QuantizeDynamic())),
    Recipe("openvino-fp32", (ExportDecoder(), Convert())),
    Recipe("openvino-bf16", (ExportDecoder(), Convert("bf16"))),
    Recipe("openvino-int8-weights", (ExportDecoder(), CompressWeights())),
    Recipe("openvino-int4-weights", (ExportDecoder(), CompressWeights(bits=4))),
)
RECIPES: Final[dict[Task, tuple[Recipe, ...]]] = {
    "sentence-embedding": TEXT,
    "image-classification": IMAGES,
    "transformation": TENSORS,
    "text-generation": GENERATION,
}
FIXED: Final[dict[Target, str]] = {"cpu-fp32": "onnxruntime-fp32", "cpu-int8": "onnxruntime-int8"}
"""Targets that name their recipe; the others search."""

LIBRARIES = ("torch", "onnx", "onnxscript", "onnxruntime", "openvino", "nncf", "numpy")
"""Distributions that shape every result; a source names its own beside them."""


def recipes(spec: ModelSpec) -> tuple[Recipe, ...]:
    """Return what may be done to a model for its target; one recipe is no search."""
    if spec.target == "llm":
        return (Recipe(*for_llm(spec)),)
    if spec.gpu is not None:
        return tuple(Recipe(name, passes) for name, passes in on_gpu(spec, spec.gpu).items())
    fixed = FIXED.get(spec.target)
    offered = [recipe for recipe in (*RECIPES[spec.task], *_mixed(spec)) if fixed in (None, recipe.name)]
    forms = [form for form in shrunk(spec) if fixed is None or form.is_whole]
    return tuple(recipe.after(form) for form in forms for recipe in offered)


def _mixed(spec: ModelSpec) -> tuple[Recipe, ...]:
    """Return the recipes that look for what the gate can bear, and so are others for another gate."""
    if spec.task not in ("sentence-embedding", "image-classification"):
        return ()
    is_text = spec.task == "sentence-embedding"
    asked = f"{spec.verify.metric} {gate(spec):g}{' as the original' if spec.target == 'cpu-lossless' else ''}"
    mixed = QuantizeMixed(asked, transformer=is_text)
    found = [Recipe("openvino-int8-mixed", (Export(), mixed), spared_by="openvino-int8")]
    if is_text:
        weights = (Export(), CompressMixed(asked))
        found.append(Recipe("openvino-int8-weights-mixed", weights, spared_by="openvino-int8-weights"))
    return tuple(found)


def libraries(spec: ModelSpec) -> tuple[str, ...]:
    """Return the distributions that shape this model's result."""
    if spec.target == "llm":
        return LLM_LIBRARIES
    return LIBRARIES if spec.prune is None else (*LIBRARIES, PRUNING)


def is_search(spec: ModelSpec) -> bool:
    """Return whether the target leaves open what is done."""
    return spec.target not in FIXED and spec.target != "llm"


def step_count(spec: ModelSpec) -> int:
    """Return how many steps a build tells of: a search tells of its recipes, a recipe of its passes."""
    offered = recipes(spec)
    if spec.target == "llm":
        return len([*offered[0].passes, *around_llm()])
    shaping = [*offered, *(spec.benchmark.peers or ()), "race"] if is_search(spec) else offered[0].passes
    return len([Load(), *shaping, Verify(), *finishing_passes()])


def finishing_passes() -> tuple[Pass, ...]:
    """Return what is done once a model is proved; nothing else should run on the machine meanwhile."""
    return (Benchmark(), Package())


def identity(spec: ModelSpec) -> list[object]:
    """Return all that can be done, as it enters the artifact's digest."""
    shaping: list[object] = [[step.identity() for step in recipe.passes] for recipe in recipes(spec)]
    if spec.target == "llm":
        return [*shaping, *(step.identity() for step in around_llm())]
    return [Load().identity(), shaping, Verify().identity(), *(step.identity() for step in finishing_passes())]
