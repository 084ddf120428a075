"""One container of a variant: an archive unpacked into a folder of its own, and the server process that serves it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .archive import download, unpack
from .hosts import host_of
from .hosts.base import Contents
from .library import Library
from .prefix import download_prefix
from .resting import RestingServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from .exchange import Reply
    from .hosts.base import Host

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
        library: Its models, where it hosts many.
    """

    name: str
    number: int
    definition: dict[str, Any]
    folder: Path
    log: Path
    server: RestingServer
    library: Library | None = None

    @classmethod
    def of(cls, name: str, number: int, definition: dict[str, Any], folder: Path, log: Path) -> Container:
        """Return a container that has no model and no process yet."""
        many = definition.get("Mode") == "MultiModel"
        contents = Contents(folder, definition.get("Environment", {}), many)
        server = RestingServer(folder, log, functools.partial(_host(definition).command, contents))
        library = _library(definition, folder, server) if many else None
        return cls(name, number, definition, folder, log, server, library)

    @property
    def image(self) -> str:
        """What it runs."""
        return str(self.definition["Image"])

    @property
    def stand_in(self) -> str:
        """What answers in the server's stead; empty where it is the server itself."""
        return _host(self.definition).stand_in

    async def answer(self, body: bytes, headers: Mapping[str, str], seconds: float) -> Reply:
        """Answer one request, whatever the status.

        Raises:
            ArchiveError: If it names no archive that there is.
            LoadError: If its model cannot be loaded.
            ModelNotReadyError: If its model is not loaded in time.
            ServerDownError: At once, where nothing can answer.
            TimeoutError: After so many seconds.
        """
        if self.library is not None:
            return await self.library.invoke(body, headers, seconds)
        return await self.server.invoke(body, headers, seconds)

    def prepare(self) -> None:
        """Get ready what its server needs; blocks, so it is called off the event loop.

        Raises:
            NoHostError: If that cannot be had here.
        """
        _host(self.definition).prepare()

    def fetch(self, s3: Callable[[], Any]) -> None:
        """Download and unpack its archive, if it has one of its own; blocks, so it is called off the event loop.

        Raises:
            ArchiveError: If there is none, or it must not be unpacked.
        """
        model = self.folder / "model"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.library is not None:
            self.library.open(s3)
            return
        model.mkdir(parents=True)
        if _unpacked(self.definition):
            download_prefix(s3(), model_data_url(self.definition), model)
            return
        archive = self.folder / "model.tar.gz"
        download(s3(), model_data_url(self.definition), archive, number=self.number)
        unpack(archive, model)
        archive.unlink()


def model_data_url(definition: dict[str, Any]) -> str:
    """Return where a container's archive lies."""
    if "ModelDataUrl" in definition:
        return str(definition["ModelDataUrl"])
    return str(definition["ModelDataSource"]["S3DataSource"]["S3Uri"])


def _unpacked(definition: dict[str, Any]) -> bool:
    """Tell whether a container's model is files below a prefix instead of an archive."""
    return bool(definition.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3DataType") == "S3Prefix")


def _library(definition: dict[str, Any], folder: Path, server: RestingServer) -> Library:
    setting = definition.get("MultiModelConfig", {}).get("ModelCacheSetting", "Enabled")
    return Library(server, folder / "models", model_data_url(definition), cached=setting == "Enabled")


def _host(definition: dict[str, Any]) -> Host:
    host = host_of(str(definition["Image"]))
    assert host is not None  # noqa: S101  CreateModel refuses what has none
    return host
