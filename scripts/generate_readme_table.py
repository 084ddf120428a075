"""Write what each example model gained into the README, from ``artifacts.lock``; ``--check``: whether it is true.

``--project FOLDER`` takes the lock of that folder.
"""

from __future__ import annotations

import argparse
from functools import partial
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


def text(project: Path) -> str:
    """Return the README with its table made anew, of this project's lock."""
    before, rest = README.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    lock = Project(project).lock
    return before + BEGIN + HEADER + "".join(row(name, lock.models[name]) for name in sorted(lock.models)) + END + after


def row(name: str, model: LockedModel) -> str:
    """Return a model's line of the table."""
    recipe = ", ".join(step.split("(")[0] for step in model.recipe.split(" > "))
    weight = f"{size(model.archive.size_bytes)} of {size(model.reference_bytes)}"
    faster = ", ".join(f"{each.ratio:.1f} at {each.shape}" for each in model.benchmark) or "not timed here"
    proof = f"{model.metric.replace('_', ' ')} {model.value:.4f}"
    if model.bound is not None:
        proof += f", at least {model.bound:.4f}"
    return f"| {name} | `{model.target}` | {recipe} | {weight} | {faster} | {proof} |\n"


def main() -> int:
    """Write or check the table; the exit code is 1 where a check finds another."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--project", type=Path, default=README.parent)
    return write_or_check(README, partial(text, parser.parse_args().project), source="artifacts.lock says")


if __name__ == "__main__":
    raise SystemExit(main())
