from __future__ import annotations

import os
import platform
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from model_build.archive import write_archive
from model_build.served import MANIFEST_FILE, as_json
from model_build.work import Pass, Work, present
from slipway.specs import Manifest

ARCHIVE_FILE = "model.tar.gz"


@dataclass(frozen=True)
class Package(Pass):
    """Pack what was proved, and write down its whole story beside it."""

    version: ClassVar[int] = 2
    name: ClassVar[str] = "package"

    def run(self, work: Work) -> Work:
        """Return the work with ``artifact``, every byte of it on the disk."""
        from model_build.tasks import weights_bytes

        folder = work.scratch / "artifact"
        folder.mkdir()
        manifest = Manifest(
            served=present(work.described),
            archive=write_archive(present(work.served), folder / ARCHIVE_FILE),
            reference_bytes=weights_bytes(present(work.original).module),
            recipe=work.recipe,
            tried=work.tried,
            processor=", ".join([processor(), *_gpu(work)]),
            proof=present(work.proof),
            benchmark=work.benchmark,
            versions=work.versions,
        )
        with (folder / MANIFEST_FILE).open("wb") as file:
            file.write(as_json(manifest.model_dump(mode="json")))
            file.flush()
            os.fsync(file.fileno())
        return replace(work, artifact=folder)


def _gpu(work: Work) -> list[str]:
    """Return what the GPU calls itself, if the model has one."""
    from serving.cuda import devices

    return [] if work.spec.gpu is None else [device.name for device in devices()[:1]]


def processor() -> str:
    """Return what the processor calls itself; empty where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
