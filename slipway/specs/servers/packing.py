"""The files of a container's model folder, as its server lays them out, made ready to be uploaded."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.archive import archive_at
from slipway.specs.artifact import require_locked
from slipway.specs.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.archive import Writer
    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.servers.base import Layout, ServerSpec


@dataclass(frozen=True)
class Packed:
    """What is uploaded for one container: an archive, or files that go under one prefix.

    Args:
        digest: Of the artifact and of the layout; names the upload.
        archive: None where there are ``files``.
        files: By their path in the container's model folder; none where there is an ``archive``.
    """

    digest: str
    archive: Path | None
    files: dict[str, Path]


def packed(artifact: Artifact, server: ServerSpec, machine: InstanceType | None) -> Packed:
    """Return an artifact as a server wants it; what is laid out anew is kept beside the artifact.

    Args:
        artifact: The built model, which is on this machine.
        server: What serves it.
        machine: That it runs on; None for serverless.

    Raises:
        HostError: If the disk does not take it.
        SpecError: If the artifact is not, byte for byte, what the lock says.
    """
    require_locked(artifact)
    layout, folder = server.layout(artifact, machine), artifact.archive.is_dir()
    if layout is None:
        files = {path.name: path for path in sorted(artifact.archive.iterdir())} if folder else {}
        return Packed(artifact.locked.digest, None if folder else artifact.archive, files)
    digest = _digest(artifact, layout)
    target = artifact.archive.parent / f"{server.name}-{digest[:16]}"
    try:
        if folder:
            return Packed(digest, None, _files(artifact.archive, layout, target))
        return Packed(digest, _archive(artifact.archive, layout, target.with_suffix(".tar.gz")), {})
    except OSError as error:
        raise HostError(f"{target}: cannot be written: {error.strerror or error}") from error


def _digest(artifact: Artifact, layout: Layout) -> str:
    whole = hashlib.sha256(artifact.locked.digest.encode())
    for path, content in sorted(layout.items()):
        kind, data = ("file", content.encode()) if isinstance(content, str) else ("bytes", content)
        whole.update(f"\n{path} {kind} {hashlib.sha256(data).hexdigest()}".encode())
    return whole.hexdigest()


def _archive(source: Path, layout: Layout, target: Path) -> Path:
    if target.is_file():
        return target
    with _alone(target.parent) as written, tarfile.open(source) as held:
        if target.is_file():  # who was here before us packed the same
            return target
        with archive_at(written / target.name) as archive:
            for path, content in sorted(layout.items()):
                _add(archive, held, path, content)
        (written / target.name).replace(target)
    return target


@contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """Give a folder for what is not whole yet, to one process at a time; what a killed one left there is dropped."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)  # let go by the system, however this process ends
        scratch = folder / ".packing"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    finally:
        os.close(held)


def _add(archive: Writer, held: tarfile.TarFile, path: str, content: bytes | str) -> None:
    if isinstance(content, bytes):
        archive.add_bytes(path, content)
        return
    member = held.getmember(content)
    file = held.extractfile(member)
    assert file is not None  # noqa: S101  an artifact holds files alone
    archive.add(path, file, member.size)


def _files(source: Path, layout: Layout, target: Path) -> dict[str, Path]:
    files = {path: source / content for path, content in layout.items() if isinstance(content, str)}
    with _alone(target.parent) as written:
        for number, (path, content) in enumerate(sorted(layout.items())):
            if isinstance(content, str):
                continue
            files[path] = target / path
            files[path].parent.mkdir(parents=True, exist_ok=True)
            (written / str(number)).write_bytes(content)
            (written / str(number)).replace(files[path])
    return dict(sorted(files.items()))
