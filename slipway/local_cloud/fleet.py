"""What serves one endpoint configuration: its variants, each with the servers of its containers."""

from __future__ import annotations

import asyncio
import logging
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .archive import ArchiveError
from .container import PRIMARY, Container
from .hosts.base import NoHostError
from .server_process import StartupError
from .variant import Variant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .records import EndpointConfig, Model

_log = logging.getLogger("slipway.local_cloud")

_STARTUP_SECONDS: Final = 60
_SERVERLESS_STARTUP_SECONDS: Final = 180
_DOWNLOAD_SECONDS: Final = 3600


class FleetError(Exception):
    """A fleet that could not be started; the message is the endpoint's FailureReason."""


@dataclass(frozen=True)
class Folders:
    """Where a fleet keeps its models, gone with it, and its logs, kept."""

    models: Path
    logs: Path

    def containers(self, variant: str, model: Model) -> tuple[Container, ...]:
        """Return a variant's containers, each with places of its own; one that is alone goes by its variant."""
        made = []
        for number, (name, definition) in enumerate(model.containers.items(), start=1):
            own = variant if name == PRIMARY else f"{variant}/{name}"
            made.append(Container.of(name, number, definition, self.models / own, self.logs / f"{own}.log"))
        return tuple(made)


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

    @property
    def hosts_components(self) -> bool:
        """Whether its models are inference components, and not its own."""
        return any("ModelName" not in variant.settings for variant in self.variants.values())

    async def start(self, models: dict[str, Model], s3: Callable[[], Any]) -> None:
        """Start every variant and wait until all are healthy.

        Args:
            models: The models of the variants, by variant name; a variant without one starts nothing.
            s3: Makes a boto3 client for the archives; called off the event loop.

        Raises:
            FleetError: With SageMaker's reason, if one is not; nothing is left running then.
        """
        for settings in self.config.variants:
            self._add(settings, models.get(settings["VariantName"]))
        try:
            async with asyncio.TaskGroup() as group:
                for variant in self.all():
                    for container in variant.containers:
                        group.create_task(_start(container, variant, s3))
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
        await asyncio.gather(*(variant.drain() for variant in self.all()))
        await self._remove_models()

    async def stop(self) -> None:
        """End every server now."""
        await asyncio.gather(*(variant.stop() for variant in self.all()))
        await self._remove_models()

    def all(self) -> list[Variant]:
        """Every variant, the shadow last."""
        return [*self.variants.values(), *([] if self.shadow is None else [self.shadow])]

    async def _remove_models(self) -> None:
        await asyncio.to_thread(shutil.rmtree, self._folders.models, ignore_errors=True)

    def _add(self, settings: dict[str, Any], model: Model | None) -> None:
        name = settings["VariantName"]
        containers = () if model is None else self._folders.containers(name, model)
        weight, count = settings.get("InitialVariantWeight", 1.0), settings.get("InitialInstanceCount", 0)
        direct = model is not None and model.direct
        variant = Variant(name, settings, weight, count, containers, self.config, direct=direct)
        if settings in self.config.request["ProductionVariants"]:
            self.variants[name] = variant
        else:
            self.shadow = variant


async def _start(container: Container, variant: Variant, s3: Callable[[], Any]) -> None:
    await _fetch(container, variant, s3)
    try:
        usual = _SERVERLESS_STARTUP_SECONDS if "ServerlessConfig" in variant.settings else _STARTUP_SECONDS
        await container.server.start(variant.settings.get("ContainerStartupHealthCheckTimeoutInSeconds", usual))
    except StartupError as error:
        raise FleetError(
            f"The {container.name} container for production variant {variant.name} did not pass the ping health check. "
            f"Please check CloudWatch logs for this endpoint. Its last lines in {container.log}: {error}"
        ) from error
    if variant.on_demand:
        await container.server.rest()  # it has proved that it starts; the first request starts it again


async def _fetch(container: Container, variant: Variant, s3: Callable[[], Any]) -> None:
    seconds = variant.settings.get("ModelDataDownloadTimeoutInSeconds", _DOWNLOAD_SECONDS)
    try:
        await asyncio.to_thread(container.prepare)
        async with asyncio.timeout(seconds):
            await asyncio.to_thread(container.fetch, s3)
    except (ArchiveError, NoHostError) as error:
        raise FleetError(str(error)) from error
    except TimeoutError as error:
        raise FleetError(f"Failed to download model data in {seconds} seconds") from error
