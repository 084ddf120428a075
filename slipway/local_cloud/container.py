"""One container of a variant: an archive unpacked into a folder of its own, and the server process that serves it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .archive import download, unpack
from .child import python_path
from .resting import RestingServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PRIMARY: Final = "primary"


@dataclass(frozen=True)
class Container:
    """A container and its server.

    Args:
        name: Its host name; ``primary`` where it is the only one.
        number: Its place among its model's containers, from 1.
        definition: Its part of the model.
        folder: Holds its model.
        log: Where its server's output goes.
        server: Answers for it.
    """

    name: str
    number: int
    definition: dict[str, Any]
    folder: Path
    log: Path
    server: RestingServer

    @classmethod
    def of(cls, name: str, number: int, definition: dict[str, Any], folder: Path, log: Path) -> Container:
        """Return a container that has no model and no process yet."""
        environment = server_environment(folder, definition.get("Environment", {}))
        return cls(name, number, definition, folder, log, RestingServer(folder, log, environment))

    @property
    def image(self) -> str:
        """What it runs."""
        return str(self.definition["Image"])

    def fetch(self, s3: Callable[[], Any]) -> None:
        """Download and unpack its archive; blocks, so it is called off the event loop.

        Raises:
            ArchiveError: If there is none, or it must not be unpacked.
        """
        model = self.folder / "model"
        model.mkdir(parents=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        archive = self.folder / "model.tar.gz"
        download(s3(), model_data_url(self.definition), archive, number=self.number)
        unpack(archive, model)
        archive.unlink()


def model_data_url(definition: dict[str, Any]) -> str:
    """Return where a container's archive lies."""
    if "ModelDataUrl" in definition:
        return str(definition["ModelDataUrl"])
    return str(definition["ModelDataSource"]["S3DataSource"]["S3Uri"])


def server_environment(folder: Path, given: dict[str, str]) -> dict[str, str]:
    """Return the whole environment of a server: the container's own, and what this machine must give it.

    Nothing of the emulator's own environment reaches it but the search path for programs.
    """
    ours = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": python_path(),
        "PYTHONUNBUFFERED": "1",
        "SLIPWAY_BIND_HOST": "127.0.0.1",
        "SLIPWAY_MODEL_DIR": str(folder / "model"),
    }
    return {**given, **ours}
