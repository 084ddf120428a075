"""Write what each example model gained into the README, from ``artifacts.lock``; ``--check``: whether it is true."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from generated import write_or_check

from model_build.report.words import size
from slipway.specs import Project

if TYPE_CHECKING:
    from slipway.specs import LockedModel

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- measured: scripts/generate_readme_table.py -->\n", "<!-- /measured -->\n"
HEADER = "| model | target | made by | size | times as fast as the original | proof |\n|---|---|---|---|---|---|\n"


def text() -> str:
    """Return the README with its table made anew."""
    before, rest = README.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    lock = Project(README.parent).lock
    return before + BEGIN + HEADER + "".join(row(name, lock.models[name]) for name in sorted(lock.models)) + END + after


def row(name: str, model: LockedModel) -> str:
    """Return a model's line of the table."""
    recipe = ", ".join(step.split("(")[0] for step in model.recipe.split(" > "))
    weight = f"{size(model.archive.size_bytes)} of {size(model.reference_bytes)}"
    faster = ", ".join(f"{each.ratio:.1f} at {each.shape}" for each in model.benchmark)
    proof = f"{model.metric.replace('_', ' ')} {model.value:.4f}"
    if model.bound is not None:
        proof += f", at least {model.bound:.4f}"
    return f"| {name} | `{model.target}` | {recipe} | {weight} | {faster} | {proof} |\n"


if __name__ == "__main__":
    raise SystemExit(write_or_check(README, text, source="artifacts.lock says"))
