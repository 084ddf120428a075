"""The recipe for ``target: llm``: a checkpoint's files, as they are or with other weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from model_build.passes.cast_weights import CastWeights
from model_build.passes.keep_weights import KeepWeights
from model_build.passes.package_checkpoint import PackageCheckpoint
from model_build.passes.quantize_weights import QuantizeWeights
from model_build.passes.read_checkpoint import ReadCheckpoint
from model_build.passes.verify_checkpoint import VerifyCheckpoint
from model_build.work import present
from slipway.specs import Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model_build.cache import Cache
    from model_build.work import FormingPass, Pass, ShapingPass, Work
    from slipway.specs import ModelSpec

LLM_LIBRARIES: Final = ("torch", "transformers", "tokenizers", "safetensors", "compressed-tensors", "numpy")
"""Distributions that shape the result, or prove it."""
GROUP_SIZE: Final = 128


def for_llm(spec: ModelSpec) -> tuple[str, tuple[ShapingPass, ...]]:
    """Return the recipe's name and its passes."""
    precision = "as-is" if spec.llm is None else spec.llm.precision
    if precision == "as-is":
        return "safetensors-as-is", (KeepWeights(),)
    size = present(spec.llm).group_size or GROUP_SIZE
    shaping: dict[str, ShapingPass] = {
        "bf16": CastWeights("bf16"),
        "fp16": CastWeights("fp16"),
        "fp8": QuantizeWeights("fp8"),
        "int4": QuantizeWeights("int4", size),
    }
    return f"safetensors-{precision}", (shaping[precision],)


def around_llm() -> tuple[Pass, ...]:
    """Return what is done before and after the weights are shaped."""
    return (ReadCheckpoint(), VerifyCheckpoint(), PackageCheckpoint())


def shaped(work: Work, passes: Sequence[FormingPass], cache: Cache, say: Callable[[str], None]) -> Work:
    """Return the work with the form that the passes make of its checkpoint.

    Raises:
        SpecError: If they cannot be done with this model.
    """
    for step in passes:
        say(step.name)
        reason = step.unfit(work)
        if reason is not None:
            where = f"models/{work.name}/model.yaml"
            raise SpecError([Problem(where, 0, "llm.precision", f"is not for this model: {reason}")])
    return cache.shape(work, passes)
