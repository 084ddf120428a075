"""Catches drift; what matters is asserted beside it. ``SLIPWAY_UPDATE_SNAPSHOTS=1 pytest tests/stacks`` accepts it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slipway.specs import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SNAPSHOTS = Path(__file__).parents[1] / "snapshots"
ROOT = Path(__file__).parents[2]


def normalise(template: dict[str, Any]) -> str:
    """Write a template with its hashes numbered by first appearance: they change with every byte of what they name."""
    text = json.dumps(template, indent=1, sort_keys=True) + "\n"
    seen: dict[str, str] = {}
    return re.sub(
        r"[0-9a-f]{64}|(?<=ApiDeployment)\w{8}[0-9a-f]{32}",
        lambda match: seen.setdefault(match[0], f"<hash {len(seen) + 1}>"),
        text,
    )


BUILDING = [("build", environment) for environment in ("local", "dev", "prod")]


def stacks() -> Iterator[tuple[str, str]]:
    """Yield stack and environment, but for what an environment leaves out."""
    project = Project(ROOT)
    for environment in ("local", "dev", "staging", "prod"):
        for name in ("shared", *project.deployment(environment, with_artifacts=False).endpoints):
            yield name, environment


@pytest.mark.parametrize(("stack", "environment"), [*stacks(), *BUILDING])
def test_template_equals_its_snapshot(
    template: Callable[[str, str], dict[str, Any]], environment: str, stack: str
) -> None:
    file, text = SNAPSHOTS / environment / f"{stack}.json", normalise(template(environment, stack))
    if os.environ.get("SLIPWAY_UPDATE_SNAPSHOTS") == "1":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text, "accept it with SLIPWAY_UPDATE_SNAPSHOTS=1"


def test_no_snapshot_is_left_over(assemblies: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    expected = {
        f"{environment}/{name.removeprefix(f'slipway-{environment}-')}.json"
        for environment, (_, templates) in assemblies.items()
        for name in templates
    }
    assert {path.relative_to(SNAPSHOTS).as_posix() for path in SNAPSHOTS.rglob("*.json")} == expected
