"""What a build does besides in a SageMaker processing job: hold to what was asked for, lay out results, say why not."""

from __future__ import annotations

import json
import shutil
import tarfile
from typing import TYPE_CHECKING, Final

from model_build.digest import digest, versions
from model_build.passes.package import ARCHIVE_FILE
from slipway.specs import HostError
from slipway.specs.request import RESULT_FILE, Expected, Result

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.specs import Project

MOST_MESSAGE_BYTES: Final = 1024
"""Source: API reference, DescribeProcessingJob: ExitMessage."""
FILES: Final = "files"
"""Folder of an artifact that stays unpacked."""


def require_expected(project: Project, expected: Expected) -> None:
    """Refuse to build another artifact than the one that was asked for.

    Raises:
        HostError: If this machine's libraries or its build code are not those of the machine that asked.
    """
    name = expected.name
    if digest(project, name) == expected.digest:
        return
    here = versions(project, name)
    other = [
        f"{package} is {here.get(package, 'missing')} here and {asked} there"
        for package, asked in sorted(expected.versions.items())
        if here.get(package) != asked
    ]
    why = ", ".join(other) or "its build code is another"
    raise HostError(
        f"{name}: the image would build another artifact than {expected.digest[:12]} ({why}): build with the versions "
        "that the build stack was deployed with, or deploy it again"
    )


def write_results(project: Project, expected: Expected, into: Path, *, unpacked: bool) -> None:
    """Lay out an artifact as it goes to S3, and last of all what there is, by which a half upload is seen.

    Args:
        project: Where it was built.
        expected: What it is.
        into: Made if it is not there.
        unpacked: Whether the archive's files are laid out in its stead; a language model's always are.
    """
    into.mkdir(parents=True, exist_ok=True)
    for file in sorted(project.artifact_folder(expected.name, expected.digest).iterdir()):
        if file.name == ARCHIVE_FILE and unpacked:
            with tarfile.open(file) as archive:
                archive.extractall(into / FILES, filter="data")
        elif file.is_dir():  # a language model's, which are packed nowhere
            (into / FILES).mkdir()
            for part in sorted(file.iterdir()):
                _link(part, into / FILES / part.name)
        else:
            _link(file, into / file.name)
    sizes = {path.relative_to(into).as_posix(): path.stat().st_size for path in into.rglob("*") if path.is_file()}
    (into / RESULT_FILE).write_text(Result(files=sizes).model_dump_json(), encoding="utf-8")


def write_message(file: Path, message: str) -> None:
    """Write why a build failed where SageMaker reads it from, as much as it takes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(message.encode()[:MOST_MESSAGE_BYTES].decode(errors="ignore").encode())


def read_expected(file: Path) -> Expected:
    """Read what was asked for.

    Raises:
        HostError: If that cannot be read.
    """
    try:
        return Expected.model_validate(json.loads(file.read_bytes()))
    except (OSError, ValueError) as error:
        raise HostError(f"{file} does not say what to build: {error}") from error


def _link(file: Path, to: Path) -> None:
    try:
        to.hardlink_to(file)  # an archive may fill half of the disk
    except OSError:
        shutil.copyfile(file, to)
