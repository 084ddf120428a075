"""Write ``containers/model-build/requirements.txt``: what ``model_build`` needs, at the versions of the lock.

``python scripts/generate_build_requirements.py`` writes; ``--check`` only says whether the file needs it.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from generated import write_or_check
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "containers" / "model-build" / "requirements.txt"
OF_SPECS = ("pydantic", "PyYAML", "rich")
"""What reading specs and showing progress take of the packages that `cdk synth` needs."""
HEAD = """# Written by `make lock`: the `build` extra of pyproject.toml with all that it needs, as requirements-dev.txt
# pins it.
# What torch asks for on Linux besides, pip finds.
"""


def normal(name: str) -> str:
    """Write a distribution's name as the lock does."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    """The lock, by distribution."""
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    return {normal(line.partition("==")[0]): line for line in lines if "==" in line}


def roots() -> list[str]:
    """The distributions that the build names itself."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = [Requirement(line) for extra in ("build", "serve") for line in extras[extra]]
    return [*OF_SPECS, *(one.name for one in named if normal(one.name) != "slipway")]


def closure(names: list[str]) -> set[str]:
    """All that distributions need, as those that are installed here say."""
    found: set[str] = set()
    waiting = [normal(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        try:
            needs = [Requirement(line) for line in requires(name) or ()]
        except PackageNotFoundError:
            continue  # for another system
        waiting += [normal(one.name) for one in needs if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


def requirements() -> str:
    """The file's text."""
    known, needed = pins(), closure(roots())
    return HEAD + "".join(f"{known[name]}\n" for name in sorted(needed & known.keys()))


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, requirements, source="the lock gives"))
