"""The folder ``artifacts/``: what is in it, whether it is whole, and how something gets into it."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from model_build.passes.package import ARCHIVE_FILE
from model_build.passes.package_checkpoint import MODEL_FOLDER
from model_build.served import MANIFEST_FILE
from slipway.specs import Manifest, files_sha256
from slipway.specs.location import Location
from slipway.specs.seen import seen_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.specs import Project

SCRATCH_PREFIX = ".building-"
HALF_WRITTEN = (
    ".artifacts.lock-*",
    ".slipway/.build.html-*",
    ".slipway/.files-seen.json-*",
    ".slipway/sources/.fetching-*",
)
"""Files on their way into a place; they get a name of their own until they are whole."""
LOCATION_FILE = "location.json"
"""Beside a manifest in an archive's stead: where the artifact stays."""


class Store:
    """The artifacts of one project.

    Args:
        project: Whose.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._folder = project.root / "artifacts"
        self._seen = seen_in(project.root)

    def find(self, name: str, digest: str) -> Manifest | None:
        """Return the manifest of an artifact that is here and whole, else nothing."""
        folder = self._project.artifact_folder(name, digest)
        try:
            manifest = Manifest.model_validate_json((folder / MANIFEST_FILE).read_bytes())
            away = (folder / LOCATION_FILE).exists()  # an archive that stays in S3 is not here to be looked at
            actual = manifest.archive.sha256 if away else self._hash(folder, manifest)
        except (OSError, ValidationError):
            return None
        whole = actual == manifest.archive.sha256 and manifest.served.digest == digest and manifest.served.name == name
        return manifest if whole else None

    def _hash(self, folder: Path, manifest: Manifest) -> str:
        """Return the hash of what lies there: of the archive, or of the list of a language model's files."""
        if manifest.language is None:
            return self._seen.sha256(folder / ARCHIVE_FILE)
        return files_sha256(folder / MODEL_FOLDER, self._seen)

    def location(self, name: str, digest: str) -> Location | None:
        """Return where an artifact stays that is not here; None for one that is."""
        file = self._project.artifact_folder(name, digest) / LOCATION_FILE
        return Location.model_validate_json(file.read_bytes()) if file.exists() else None

    def is_damaged(self, name: str, digest: str) -> bool:
        """Tell whether something lies where an artifact should, and is not one."""
        return self._project.artifact_folder(name, digest).exists() and self.find(name, digest) is None

    @contextmanager
    def lock(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the project's builds: two at once would measure each other.

        Args:
            waiting: Called once if another build has to end first.
        """
        from filelock import FileLock, Timeout

        self._folder.mkdir(exist_ok=True)
        lock = FileLock(self._folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting()
            lock.acquire()
        try:
            self._sweep()
            yield
        finally:
            lock.release()

    def scratch(self, name: str) -> Path:
        """Return a new folder on the artifacts' own file system, for the holder of the lock."""
        return Path(tempfile.mkdtemp(prefix=f"{SCRATCH_PREFIX}{name}-", dir=self._folder))

    def put(self, built: Path, name: str, digest: str) -> None:
        """Move a finished artifact into its place, all of it or nothing."""
        target = self._project.artifact_folder(name, digest)
        target.parent.mkdir(exist_ok=True)
        if target.exists():
            target.rename(built.parent / "replaced")
        built.rename(target)
        _sync(target.parent)

    def _sweep(self) -> None:
        """Remove what a killed build left."""
        for left in self._folder.glob(f"{SCRATCH_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)
        for pattern in HALF_WRITTEN:
            for left in self._project.root.glob(pattern):
                left.unlink(missing_ok=True)


def write_if_changed(path: Path, text: str) -> bool:
    """Replace a file at once, and only if it would say something else; tell whether it did."""
    content = text.encode()
    if path.is_file() and path.read_bytes() == content:
        return False
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
