"""The networks that may be put in the original's place before it is exported, as a spec asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from model_build.passes.distill import Distill
from model_build.passes.prune import Prune

if TYPE_CHECKING:
    from model_build.work import ModulePass
    from slipway.specs import ModelSpec

PRUNING: Final = "torch-pruning"
"""Distribution that shapes a pruned model's result."""


@dataclass(frozen=True)
class Form:
    """One network that may be exported.

    Args:
        suffix: Of the names of its recipes.
        passes: That make it of the original.
        is_whole: Whether all that the spec asks for is done.
    """

    suffix: str
    passes: tuple[ModulePass, ...]
    is_whole: bool


def shrunk(spec: ModelSpec) -> list[Form]:
    """Return the original itself and what the spec wants to be tried in its place, the smallest last."""
    asked: list[tuple[str, ModulePass]] = []
    if spec.distill is not None:
        asked.append(("-distilled", Distill(**spec.distill.model_dump())))
    if spec.prune is not None:
        asked.append(("-pruned", Prune(**spec.prune.model_dump())))
    choices = [[]] if not asked else [[], *([each] for each in asked), *([asked] if len(asked) > 1 else [])]
    return [_form(chosen, len(asked)) for chosen in choices]


def _form(chosen: list[tuple[str, ModulePass]], asked: int) -> Form:
    return Form("".join(name for name, _ in chosen), tuple(step for _, step in chosen), len(chosen) == asked)
