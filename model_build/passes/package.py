from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from model_build.archive import write_archive
from model_build.machine import processor
from model_build.served import MANIFEST_FILE, as_json
from model_build.work import Pass, Work, present
from slipway.specs import Manifest

if TYPE_CHECKING:
    from pathlib import Path

ARCHIVE_FILE = "model.tar.gz"
REPORT_FILE = "report.html"


@dataclass(frozen=True)
class Package(Pass):
    """Pack what was proved, and write down its whole story beside it, for programs and for people.

    How the page looks is not part of what the pass does: a page made over makes no model over.
    """

    version: ClassVar[int] = 3
    name: ClassVar[str] = "package"

    def run(self, work: Work) -> Work:
        """Return the work with ``artifact``, every byte of it on the disk."""
        from model_build.report import artifact_page
        from model_build.tasks import weights_bytes

        folder = work.scratch / "artifact"
        folder.mkdir()
        manifest = Manifest(
            served=present(work.described),
            archive=write_archive(present(work.served), folder / ARCHIVE_FILE),
            reference_bytes=weights_bytes(present(work.original).module),
            recipe=work.recipe,
            mixture=present(work.graph).mixture,
            tried=work.tried,
            processor=", ".join([processor(), *_gpu(work)]),
            proof=present(work.proof),
            benchmark=work.benchmark,
            per_token=work.per_token,
            server=work.server,
            versions=work.versions,
        )
        write_whole(folder / MANIFEST_FILE, as_json(manifest.model_dump(mode="json")))
        write_whole(folder / REPORT_FILE, artifact_page(manifest).encode())
        return replace(work, artifact=folder)


def _gpu(work: Work) -> list[str]:
    """Return what the GPU calls itself, if the model has one."""
    from serving.cuda import devices

    return [] if work.spec.gpu is None else [device.name for device in devices()[:1]]


def write_whole(path: Path, content: bytes) -> None:
    """Write a file and wait until it is on the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
