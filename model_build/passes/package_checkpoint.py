from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from model_build.checkpoint import read_checkpoint
from model_build.degrees import degrees
from model_build.going_on import prompts
from model_build.graph import link
from model_build.machine import processor
from model_build.passes.package import REPORT_FILE, write_whole
from model_build.served import MANIFEST_FILE, as_json
from model_build.work import Pass, Work, present
from model_build.written import blamed
from slipway.specs import Archive, LanguageFacts, Manifest, ServedFile, ServedLanguageModel, listing_sha256

if TYPE_CHECKING:
    from pathlib import Path

    from model_build.checkpoint import Checkpoint

MODEL_FOLDER = "model"
"""Holds what lies under the artifact's prefix in S3, file by file."""


@dataclass(frozen=True)
class PackageCheckpoint(Pass):
    """Lay the files side by side, and write down which they are and what a server of many GPUs needs to know.

    There is no archive: S3 takes the files under one prefix, and a server reads them from there as they are.
    """

    version: ClassVar[int] = 2
    name: ClassVar[str] = "package_checkpoint"

    def run(self, work: Work) -> Work:
        """Return the work with ``artifact``, every byte of it on the disk."""
        from model_build.report import artifact_page

        folder = work.scratch / "artifact"
        (folder / MODEL_FOLDER).mkdir(parents=True)
        for path in present(work.graph).files():
            link(path, folder / MODEL_FOLDER / path.name)
        files = tuple(_file(path) for path in sorted((folder / MODEL_FOLDER).iterdir()))
        checkpoint = read_checkpoint(folder / MODEL_FOLDER, blamed(work))
        manifest = Manifest(
            served=_described(work, checkpoint, files),
            archive=Archive(sha256=listing_sha256(files), size_bytes=sum(file.size_bytes for file in files)),
            reference_bytes=present(work.checkpoint).size_bytes,
            recipe=work.recipe,
            processor=processor(),
            proof=present(work.proof),
            benchmark=(),
            versions=work.versions,
        )
        write_whole(folder / MANIFEST_FILE, as_json(manifest.model_dump(mode="json")))
        write_whole(folder / REPORT_FILE, artifact_page(manifest).encode())
        return replace(work, artifact=folder)


def _described(work: Work, checkpoint: Checkpoint, files: tuple[ServedFile, ...]) -> ServedLanguageModel:
    facts = replace(checkpoint.facts, name=work.name)
    llm = work.spec.llm
    longest = None if llm is None else llm.max_model_len
    known = {key: value for key, value in asdict(facts).items() if key != "name" and value is not None}
    named = checkpoint.config.get("architectures") or [checkpoint.config["model_type"]]
    return ServedLanguageModel(
        name=work.name,
        digest=work.digest,
        task=work.spec.task,
        target="llm",
        architecture=str(named[0]),
        precision="as-is" if llm is None else llm.precision,
        facts=LanguageFacts(**known),
        max_model_len=longest,
        degrees=degrees(facts, work, longest),
        files=files,
        example={"inputs": prompts(work)[:1]},
    )


def _file(path: Path) -> ServedFile:
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        os.fsync(stream.fileno())
        return ServedFile(name=path.name, sha256=sha256, size_bytes=path.stat().st_size)
