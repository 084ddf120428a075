"""Why an artifact cannot be served from a model repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.specs.servers.triton_files.archive import contents
from slipway.specs.servers.triton_files.repository import ON_GPU, PLATFORMS, broken_labels
from slipway.specs.servers.triton_files.tensors import generates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys
    from slipway.specs.manifest import ServedModel

REPOSITORY: Final[Keys] = ("repository",)


def unserved(artifact: Artifact, repository: str) -> Iterator[tuple[Keys, str]]:
    """Say why an artifact cannot be served, by the key below ``server`` that is to blame.

    That a machine has no GPU, or another than an engine is bound to, is found for every server alike.
    """
    name = f"the artifact of '{artifact.model}'"
    if artifact.locked.target == "llm":
        yield (), f"{name} is a language model's files, which no backend of Triton's image reads: use server: lmi"
        return
    if artifact.locked.read_at is not None:
        yield (
            (),
            f"{name} stays in S3, and a model repository is made of its files: use 'large: copy' or another server",
        )
        return
    held = contents(artifact.archive)
    if held is None:
        yield (), f"{name} holds no manifest.json that can be read: run `slipway build {artifact.model} --force`"
        return
    if held.served.handler is not None:
        yield (), f"{name} brings {held.served.handler}, which Triton's requests do not pass: use server: onnxruntime"
    for path, message in _of_repository(held.served, repository):
        yield path, f"{name} {message}"


def _of_repository(manifest: ServedModel, repository: str) -> Iterator[tuple[Keys, str]]:
    own = manifest.runtime in PLATFORMS
    if manifest.runtime == "tensorrt-rtx":
        yield (), "is an engine of TensorRT-RTX, which is no TensorRT plan: build it with 'backend: tensorrt'"
    elif generates(manifest) and repository != "python":
        yield REPOSITORY, "makes an answer token by token, which no ensemble does: use 'repository: python'"
    elif repository == "plain" and not own:
        yield REPOSITORY, f"is of {manifest.runtime}, which no backend of the image reads: use 'repository: ensemble'"
    elif repository == "plain" and (broken := broken_labels(manifest)):
        named = f"has a label of several lines, {broken[0][:40]!r}, and Triton reads a label a line"
        yield REPOSITORY, f"{named}: use 'repository: ensemble', or name the class on one line"
    elif repository == "python" and manifest.runtime in ON_GPU:
        yield REPOSITORY, "needs a GPU, which Triton's own backends use: choose 'repository: ensemble' or 'plain'"
    elif repository == "ensemble" and len(manifest.inputs) > 1 and manifest.preprocess.kind == "tensor":
        yield REPOSITORY, f"takes {len(manifest.inputs)} tensors as they are: use 'repository: plain'"
