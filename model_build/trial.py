"""What of a GPU's recipes can be done without a GPU: all but running the engine."""

from __future__ import annotations

import hashlib
import time
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from model_build.cache import shaped
from model_build.passes.compile_tensorrt import CompileTensorRt
from model_build.passes.verify import Verify, refused
from model_build.rehearsal import Rehearsed
from model_build.work import ShapingError, present
from slipway.specs import GateError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model_build.cache import Cache
    from model_build.metrics import Measured
    from model_build.targets import Recipe
    from model_build.work import FormingPass, Work

AS_WRITTEN: Final = {"session.disable_quant_qdq": "1"}
"""Let ONNX Runtime compute the graph as it is written: its own eight-bit kernels round otherwise, and know no fp8."""


class Trial:
    """The rehearsal of one model: each recipe's typed graph is judged on the processor, then compiled.

    Args:
        recipes: What to try; the last pass of each is the one that needs a GPU, or a compiler for it.
        cache: Keeps every form but the engines, which are made anew each time.
        on_step: Hears which recipe is being tried.
    """

    def __init__(self, recipes: Sequence[Recipe], cache: Cache, on_step: Callable[[str], None]) -> None:
        self._recipes, self._cache, self._on_step = recipes, cache, on_step
        self._judged: dict[str, Measured | str] = {}

    def run(self, work: Work) -> list[Rehearsed]:
        """Return what came of each recipe."""
        asked, rows = Verify().questioned(work), []
        for recipe in self._recipes:
            self._on_step(recipe.name)
            rows.append(self._one(recipe, asked))
        return rows

    def _one(self, recipe: Recipe, work: Work) -> Rehearsed:
        *typed, last = recipe.passes
        if isinstance(last, CompileTensorRt) and (reason := last.impossible()) is not None:
            return Rehearsed(recipe=recipe.name, outcome="unfit", reason=reason)
        try:
            measured = self._numbers(tuple(typed), work)
        except ShapingError as error:
            traceback.print_exc()  # to the build's log
            return Rehearsed(recipe=recipe.name, outcome="unfit", reason=str(error))
        if isinstance(measured, str):
            return Rehearsed(recipe=recipe.name, outcome="unfit", reason=measured)
        missed = refused(work.spec, measured)
        facts = {"recipe": recipe.name, "value": round(measured.value, 6), "bound": round(measured.bound, 6)}
        if missed != "":
            return Rehearsed.model_validate({**facts, "outcome": "refused", "reason": missed})
        return Rehearsed.model_validate({**facts, **self._compiled(recipe, last, work)})

    def _numbers(self, passes: tuple[FormingPass, ...], work: Work) -> Measured | str:
        """Judge the typed graph on all data, or say why it cannot be made; each graph once."""
        key = " > ".join(map(str, passes))
        if key not in self._judged:
            reason = next((it for it in (step.unfit(work) for step in passes) if it is not None), None)
            self._judged[key] = self._measure(passes, work) if reason is None else reason
        return self._judged[key]

    def _measure(self, passes: tuple[FormingPass, ...], work: Work) -> Measured | str:
        own = self._cache.shape(replace(work, scratch=work.scratch / str(len(self._judged))), passes)
        graph = replace(present(own.graph), options=AS_WRITTEN)
        try:
            return Verify().measure(Verify().laid_out(replace(own, graph=graph)))
        except GateError as error:  # it answers nothing that could be measured
            return str(error)

    def _compiled(self, recipe: Recipe, last: FormingPass, work: Work) -> dict[str, object]:
        reason = last.unfit(work)
        if reason is not None:
            return {"outcome": "proved", "reason": reason}
        typed, start = self._cache.shape(work, recipe.passes[:-1]), time.perf_counter()
        into = work.scratch / recipe.name
        into.mkdir()
        try:
            graph = present(shaped(last, typed, into).graph)
        except ShapingError as error:
            traceback.print_exc()
            return {"outcome": "unfit", "reason": str(error)}
        content = graph.file.read_bytes()
        return {
            "outcome": "compiled",
            "engine": graph.file.name,
            "size_bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "seconds": round(time.perf_counter() - start, 2),
        }
