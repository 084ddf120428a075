"""The YAML files of a project, by the names that they give to things."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slipway.specs.base import NAME_PATTERN, NAME_WORDS
from slipway.specs.errors import Problem

if TYPE_CHECKING:
    from pathlib import Path


def model_files(root: Path) -> dict[str, Path]:
    """Every model's spec by the name of its folder."""
    return {path.parent.name: path for path in sorted(root.glob("models/*/model.yaml"))}


def named_files(root: Path, folder: str) -> dict[str, Path]:
    """Every spec of a folder by its own name."""
    return {path.stem: path for path in sorted(root.glob(f"{folder}/*.yaml")) if not path.name.startswith(".")}


def name_problems(root: Path, files: dict[str, Path]) -> list[Problem]:
    """Find the files whose name cannot be the name of a thing."""
    return [
        Problem(path.relative_to(root).as_posix(), 0, "", f"'{name}' is not {NAME_WORDS}")
        for name, path in files.items()
        if re.fullmatch(NAME_PATTERN, name) is None
    ]


def suffix_problems(root: Path, pattern: str) -> list[Problem]:
    """Find files that would be overlooked because they end in .yml."""
    return [
        Problem(path.relative_to(root).as_posix(), 0, "", "is not read: name it .yaml")
        for path in sorted(root.glob(pattern))
    ]
