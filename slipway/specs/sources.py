"""What a model is built from, and the hash by which a change is seen."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from slipway.specs.seen import seen_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from slipway.specs.model import ModelSpec
    from slipway.specs.seen import Seen
    from slipway.specs.source import Source


def source_of(root: Path, models: Mapping[str, ModelSpec], name: str) -> tuple[Path, Source]:
    """Return the folder that a model's source and data lie in, and the source itself."""
    owner = models[name].source.model or name
    return root / "models" / owner, models[owner].source


def sources_hash(root: Path, models: Mapping[str, ModelSpec], name: str) -> str:
    """Hash a model's spec and every byte of its folder and its source's, but specs, caches and hidden files.

    Where it is built is no part of what it is, nor what SageMaker makes of it afterwards.
    """
    spec = models[name].model_dump(mode="json", exclude={"build", "neo", "optimize"}, exclude_none=True)
    return _hash_of({"spec": spec, "files": files_hash(root, models, name)})


def build_files(root: Path, models: Mapping[str, ModelSpec], name: str) -> list[Path]:
    """Return every file that a model is built from, its spec and that of its source's owner among them."""
    folders = dict.fromkeys((root / "models" / name, source_of(root, models, name)[0]))
    return [path for folder in folders for path in (folder / "model.yaml", *_files(folder))]


def files_hash(root: Path, models: Mapping[str, ModelSpec], name: str) -> str:
    """Hash what the original is made of: the source that the spec names and its folder, whatever else the spec says."""
    folder, source = source_of(root, models, name)
    seen = seen_in(root)
    # These three always, others where they are given: a new key must not make every model look changed.
    always: dict[str, object] = {"python": None, "model": None, "packages": []}
    said = {**always, **source.model_dump(mode="json", exclude_defaults=True)}
    described: dict[str, object] = {"source": said, "files": _hashes(folder, seen)}
    beside = root / "models" / name  # such as the student of another model's original
    own = {} if beside == folder else _hashes(beside, seen)
    return _hash_of({**described, "own": own} if own != {} else described)


def _hash_of(described: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _hashes(folder: Path, seen: Seen) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): seen.sha256(path) for path in _files(folder)}


def _files(folder: Path) -> list[Path]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path != folder / "model.yaml")
    return [path for path in found if not any(_skipped(part) for part in path.relative_to(folder).parts)]


def _skipped(part: str) -> bool:
    return part.startswith(".") or part == "__pycache__"
