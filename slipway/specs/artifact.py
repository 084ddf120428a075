"""A built model on this machine, checked against ``artifacts.lock``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.specs.errors import Problem, SpecError
from slipway.specs.language_artifact import files_sha256
from slipway.specs.seen import seen_in

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.specs.cloud_job import CloudJob
    from slipway.specs.lock import LockedModel


@dataclass(frozen=True)
class Artifact:
    """A built model that is here, or stays in S3, and is what the lock says.

    Args:
        model: Its name.
        locked: What the lock says of it.
        archive: The file; of a language model the folder whose files go under one prefix.
    """

    model: str
    locked: LockedModel
    archive: Path


def find_artifact(
    model: str, locked: LockedModel | None, sources: str, folder: Path, asked: CloudJob | None = None
) -> Artifact:
    """Return a model's artifact.

    Args:
        model: Its name.
        locked: What the lock says of it; None where it says nothing.
        sources: Hash of the model's sources as they are now.
        folder: Holds the artifacts of this model by digest.
        asked: What its spec asks of SageMaker.
            Default: nothing.

    Raises:
        SpecError: If it was never built, changed since, or is not here as it was locked; with the command to run.
    """
    if locked is None:
        raise _refusal("artifacts.lock", model, "was never built")
    short = locked.digest[:12]
    if locked.sources != sources:
        raise _refusal(f"models/{model}", model, f"changed since it was built as {short}")
    _require_optimized(model, locked, asked)
    prefix = locked.layout == "prefix"
    archive = folder / locked.digest / ("model" if prefix else "model.tar.gz")
    if locked.read_at is not None:  # it is read there, and never here
        return Artifact(model, locked, archive)
    if not (archive.is_dir() if prefix else archive.is_file()):
        raise _refusal("artifacts.lock", model, f"the artifact {short} is not on this machine")
    files = archive.iterdir() if prefix else [archive]
    if sum(file.stat().st_size for file in files) != locked.archive.size_bytes:
        raise _refusal("artifacts.lock", model, f"the artifact {short} on this machine is not the locked one")
    return Artifact(model, locked, archive)


def require_locked(artifact: Artifact) -> None:
    """Refuse bytes that are not those which were proved, whoever changed them.

    Raises:
        SpecError: If they are not.
    """
    seen, archive = seen_in(artifact.archive.parents[3]), artifact.archive
    actual = files_sha256(archive, seen) if artifact.locked.layout == "prefix" else seen.sha256(archive)
    if actual != artifact.locked.archive.sha256:
        short, again = artifact.locked.digest[:12], f"run `slipway build {artifact.model} --force`"
        message = f"the artifact {short} on this machine was changed after its proof: {again}"
        raise SpecError([Problem("artifacts.lock", 0, f"models.{artifact.model}", message)])


def _require_optimized(model: str, locked: LockedModel, asked: CloudJob | None) -> None:
    made = None if locked.optimized is None else locked.optimized.settings
    if asked is not None and made is None:
        raise _refusal("artifacts.lock", model, f"was not yet optimised as its '{asked.key}' says")
    if made != (None if asked is None else asked.settings(locked.digest)):
        raise _refusal("artifacts.lock", model, "was optimised otherwise than its spec says")


def _refusal(file: str, model: str, message: str) -> SpecError:
    path = f"models.{model}" if file == "artifacts.lock" else ""
    return SpecError([Problem(file, 0, path, f"{message}: run `slipway build {model}`")])
