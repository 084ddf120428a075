"""The name of an artifact: a hash over everything that shapes it, found without importing any of it."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from model_build.gpu_targets import GPU_LIBRARIES
from model_build.targets import identity, libraries
from slipway.specs import HostError, SpecError
from slipway.specs.reader import read
from slipway.specs.source import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from slipway.specs import ModelSpec, Project
    from slipway.specs.source import Source

FORMAT = 2
"""Raise when the layout of the archive changes."""


def digest(project: Project, name: str, sources: str | None = None) -> str:
    """Hash the model's spec and folder, the passes with their versions and options, and the libraries' versions.

    Args:
        project: Where the model is.
        name: Which.
        sources: Its `Project.sources_hash`, where that is known.
            Default: it is found out.

    Raises:
        HostError: If a library is not installed.
        SpecError: If a package that the source names is not installed.
    """
    described = {
        "format": FORMAT,
        "name": name,
        "sources": project.sources_hash(name) if sources is None else sources,
        "passes": identity(project.models[name]),
        "versions": versions(project, name),
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def versions(project: Project, name: str) -> dict[str, str]:
    """Return the installed version of each distribution that shapes the model.

    Raises:
        HostError: If a library is not installed.
        SpecError: If a package that the source names is not installed.
    """
    folder, source = project.source_of(name)
    needed = (*_needed(project.models[name]), *_read_with(source))
    found = {package: _version(package) for package in (*needed, *source.packages)}
    missing = [package for package, installed in found.items() if installed is None]
    if any(package in needed for package in missing):
        raise HostError(f"{name}: not installed: {', '.join(missing)}: run `make setup`")
    if missing:
        raise _not_installed(folder, source.packages, missing)
    return {package: installed for package, installed in found.items() if installed is not None}


def _read_with(source: Source) -> tuple[str, ...]:
    """Return what reads the files that stand for a source."""
    files = any(getattr(source, kind) is not None for kind in WEIGHTS) and not source.is_code
    return ("transformers", "sentence-transformers", "safetensors", "tokenizers") if files else ()


def _needed(spec: ModelSpec) -> tuple[str, ...]:
    """Return the libraries that a model's target needs, and of those that it can use the ones that are here."""
    if spec.gpu is None:
        return libraries(spec)
    here = tuple(package for package in GPU_LIBRARIES if _version(package) is not None)
    return (*(package for package in libraries(spec) if f"{package}-gpu" not in here), *here)


def _not_installed(folder: Path, packages: Sequence[str], missing: Sequence[str]) -> SpecError:
    document = read(folder / "model.yaml", f"models/{folder.name}/model.yaml")
    return SpecError(
        document.problem(("source", "packages", packages.index(package)), f"'{package}' is not installed: install it")
        for package in missing
    )


@cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
