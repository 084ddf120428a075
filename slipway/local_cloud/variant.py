"""One production variant: the containers of its model, and the way of a request through them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .library import LoadError
from .server_process import INVOCATION_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .container import Container
    from .exchange import Reply
    from .records import EndpointConfig


class ContainerError(Exception):
    """A container that answered with an error, or not in time.

    Args:
        container: Its name.
        status: What it answered, 0 where it did not.
        body: The answer, None where there was none.
    """

    def __init__(self, container: str, status: int = 0, body: bytes | None = None) -> None:
        super().__init__(container, status)
        self.container = container
        self.status = status
        self.body = body


@dataclass(eq=False)
class Variant:
    """One production variant and the containers that serve it.

    Args:
        settings: Its part of the endpoint configuration.
        weight: Its share of the traffic, relative to the other variants'.
        count: How many instances it would have; here one process for each container answers for all of them.
        containers: Of its model, in order.
        config: Of its fleet.
    """

    name: str
    settings: dict[str, Any]
    weight: float
    count: int
    containers: tuple[Container, ...]
    config: EndpointConfig

    @property
    def asleep(self) -> bool:
        """Whether any container has no process because none is needed."""
        return any(container.server.asleep for container in self.containers)

    @property
    def pids(self) -> list[int]:
        """The processes that run for it."""
        return [container.server.pid for container in self.containers if container.server.pid is not None]

    @property
    def on_demand(self) -> bool:
        """Whether its requests start its container, none being kept warm."""
        serverless = self.settings.get("ServerlessConfig")
        return serverless is not None and serverless.get("ProvisionedConcurrency", 0) == 0

    @property
    def ready(self) -> bool:
        """Whether every container can answer now."""
        return all(container.server.ready for container in self.containers)

    @property
    def multi_model(self) -> bool:
        """Whether each request names the model that it is for."""
        return any(container.library is not None for container in self.containers)

    @property
    def in_flight(self) -> int:
        """How many requests are being answered."""
        return sum(container.server.in_flight for container in self.containers)

    async def invoke(self, body: bytes, headers: Mapping[str, str], seconds: float = INVOCATION_SECONDS) -> Reply:
        """Return the answer to one request.

        Raises:
            ServerDownError: At once, where nothing can answer.
            ContainerError: If a container answers with an error, or not in time.
            ArchiveError: If a multi-model variant has no such model.
            ModelNotReadyError: If the model of a multi-model variant is not loaded in time.
        """
        (container,) = self.containers
        return await _ask(container, body, headers, seconds)

    async def wake(self) -> None:
        """Wait until every container is awake; who goes on to ``invoke`` at once finds them so.

        Raises:
            StartupError: If one does not start.
        """
        for container in self.containers:
            await container.server.wake()

    async def rest(self) -> None:
        """End every server that answers nothing now, until the next ``wake``."""
        for container in self.containers:
            await container.server.rest()

    async def drain(self) -> None:
        """End every server once its requests are answered; nobody may send new ones meanwhile."""
        for container in self.containers:
            await container.server.drain()

    async def stop(self) -> None:
        """End every server now."""
        await asyncio.gather(*(container.server.stop() for container in self.containers))


async def _ask(container: Container, body: bytes, headers: Mapping[str, str], seconds: float) -> Reply:
    try:
        reply = await container.answer(body, headers, seconds)
    except TimeoutError:
        raise ContainerError(container.name) from None
    except LoadError as error:
        raise ContainerError(container.name, error.reply.status, error.reply.body) from None
    if not 200 <= reply.status < 300:  # noqa: PLR2004  what HTTP calls success
        raise ContainerError(container.name, reply.status, reply.body)
    return reply
