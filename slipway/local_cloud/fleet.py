"""What serves one endpoint configuration: a server process for each variant."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .archive import ArchiveError, download, unpack
from .child import python_path
from .server_process import ServerProcess, StartupError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .records import EndpointConfig, Model

_log = logging.getLogger("slipway.local_cloud")

_STARTUP_SECONDS: Final = 60
_DOWNLOAD_SECONDS: Final = 3600


class FleetError(Exception):
    """A fleet that could not be started; the message is the endpoint's FailureReason."""


@dataclass(frozen=True)
class Folders:
    """Where a fleet keeps its models, gone with it, and its logs, kept."""

    models: Path
    logs: Path


@dataclass
class Variant:
    """One production variant and the process that serves it.

    Args:
        settings: Its part of the endpoint configuration.
        weight: Its share of the traffic, relative to the other variants'.
        count: How many instances it would have; here one process answers for all of them.
    """

    name: str
    image: str
    settings: dict[str, Any]
    weight: float
    count: int
    server: ServerProcess


class Fleet:
    """The running variants of one endpoint configuration.

    Args:
        config: Kept here too, because its record may be deleted while it serves.
    """

    def __init__(self, config: EndpointConfig, folders: Folders) -> None:
        self.config = config
        self._folders = folders
        self.variants: dict[str, Variant] = {}
        self.shadow: Variant | None = None

    async def start(self, models: dict[str, Model], s3: Callable[[], Any]) -> None:
        """Start every variant and wait until all are healthy.

        Args:
            models: The models of the variants, by variant name.
            s3: Makes a boto3 client for the archives; called off the event loop.

        Raises:
            FleetError: With SageMaker's reason, if one is not; nothing is left running then.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for settings in self.config.variants:
                    group.create_task(self._start_variant(settings, models[settings["VariantName"]], s3))
        except ExceptionGroup as errors:
            await self.stop()
            first = errors.exceptions[0]
            if not isinstance(first, FleetError):
                _log.error("a server could not be started", exc_info=first)
            raise FleetError(str(first)) from None
        except BaseException:
            await self.stop()
            raise

    async def drain(self) -> None:
        """End every server once its requests are answered."""
        await asyncio.gather(*(variant.server.drain() for variant in self.all()))
        await self._remove_models()

    async def stop(self) -> None:
        """End every server now."""
        await asyncio.gather(*(variant.server.stop() for variant in self.all()))
        await self._remove_models()

    def all(self) -> list[Variant]:
        """Every variant, the shadow last."""
        return [*self.variants.values(), *([] if self.shadow is None else [self.shadow])]

    async def _remove_models(self) -> None:
        await asyncio.to_thread(shutil.rmtree, self._folders.models, ignore_errors=True)

    async def _start_variant(self, settings: dict[str, Any], model: Model, s3: Callable[[], Any]) -> None:
        name, container = settings["VariantName"], model.request["PrimaryContainer"]
        folder = self._folders.models / name
        await self._fetch(settings, container, folder, s3)
        log = self._folders.logs / f"{name}.log"
        server = ServerProcess(folder, log, server_environment(folder, container.get("Environment", {})))
        weight, count = settings.get("InitialVariantWeight", 1.0), settings.get("InitialInstanceCount", 0)
        variant = Variant(name, container["Image"], settings, weight, count, server)
        if settings in self.config.request["ProductionVariants"]:
            self.variants[name] = variant
        else:
            self.shadow = variant
        try:
            await server.start(settings.get("ContainerStartupHealthCheckTimeoutInSeconds", _STARTUP_SECONDS))
        except StartupError as error:
            raise FleetError(
                f"The primary container for production variant {name} did not pass the ping health check. "
                f"Please check CloudWatch logs for this endpoint. Its last lines in {log}: {error}"
            ) from error

    async def _fetch(
        self, settings: dict[str, Any], container: dict[str, Any], folder: Path, s3: Callable[[], Any]
    ) -> None:
        seconds = settings.get("ModelDataDownloadTimeoutInSeconds", _DOWNLOAD_SECONDS)
        self._folders.logs.mkdir(parents=True, exist_ok=True)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.to_thread(_fetch, s3, model_data_url(container), folder)
        except ArchiveError as error:
            raise FleetError(str(error)) from error
        except TimeoutError as error:
            raise FleetError(f"Failed to download model data in {seconds} seconds") from error


def model_data_url(container: dict[str, Any]) -> str:
    """Return where a container's archive lies."""
    if "ModelDataUrl" in container:
        return str(container["ModelDataUrl"])
    return str(container["ModelDataSource"]["S3DataSource"]["S3Uri"])


def _fetch(s3: Callable[[], Any], url: str, folder: Path) -> None:
    model = folder / "model"
    model.mkdir(parents=True)
    archive = folder / "model.tar.gz"
    download(s3(), url, archive)
    unpack(archive, model)
    archive.unlink()


def server_environment(folder: Path, container: dict[str, str]) -> dict[str, str]:
    """Return the whole environment of a server: the container's own, and what this machine must give it.

    Nothing of the emulator's own environment reaches it but the search path for programs.
    """
    given = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": python_path(),
        "PYTHONUNBUFFERED": "1",
        "SLIPWAY_BIND_HOST": "127.0.0.1",
        "SLIPWAY_MODEL_DIR": str(folder / "model"),
    }
    return {**container, **given}
