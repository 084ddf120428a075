"""One production variant: the containers of its model, and the way of a request through them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .exchange import NoReplyError
from .library import LoadError
from .server_process import INVOCATION_SECONDS, ServerDownError
from .streamed_answer import StreamedAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .container import Container
    from .exchange import Reply
    from .records import EndpointConfig

_BYTES: Final = "application/octet-stream"


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
        direct: Whether each request is for one of the containers; else it passes through all of them.
    """

    name: str
    settings: dict[str, Any]
    weight: float
    count: int
    containers: tuple[Container, ...]
    config: EndpointConfig
    direct: bool = False

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

    def log_stream(self, container: str) -> str:
        """Return where a container logs; one that is alone goes by its variant."""
        return self.name if len(self.containers) == 1 else f"{self.name}/{container}"

    async def invoke(
        self,
        body: bytes,
        headers: Mapping[str, str],
        seconds: float = INVOCATION_SECONDS,
        *,
        container: str | None = None,
    ) -> Reply:
        """Return the answer to one request.

        In a pipeline each container is asked what the one before answered, and an error of one is the answer.

        Args:
            body: Of the request.
            headers: Of the request.
            seconds: For all containers together.
            container: Who answers; one that there is, for a direct variant alone.

        Raises:
            ServerDownError: At once, where nothing can answer.
            ContainerError: If a container answers with an error, or not in time.
            ArchiveError: If a multi-model variant has no such model.
            ModelNotReadyError: If the model of a multi-model variant is not loaded in time.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        last, body, headers = await self._up_to_last(body, headers, deadline, container)
        return await _ask(last, body, headers, deadline)

    async def _up_to_last(
        self, body: bytes, headers: Mapping[str, str], deadline: float, container: str | None
    ) -> tuple[Container, bytes, Mapping[str, str]]:
        """Ask all containers before the last; return the last, and what it is asked."""
        *first, last = [one for one in self.containers if container in (None, one.name)]
        for one in first:
            # A guess, since AWS does not say so: what the caller accepts is for the last container to know.
            reply = await _ask(one, body, {**headers, "accept": "*/*"}, deadline)
            body, headers = reply.body, {**headers, "content-type": reply.headers.get("content-type", _BYTES)}
        return last, body, headers

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

    async def stream(self, body: bytes, headers: Mapping[str, str], *, container: str | None = None) -> StreamedAnswer:
        """Return the answer to one request once it begins; it must be sent.

        Raises:
            ServerDownError: At once, where nothing can answer.
            ContainerError: If a container answers with an error, or not in time.
        """
        deadline = asyncio.get_running_loop().time() + INVOCATION_SECONDS
        last, body, headers = await self._up_to_last(body, headers, deadline, container)
        answer = StreamedAnswer(last.server)
        try:
            status = await answer.begin(body, headers)
            if not _is_success(status):
                raise ContainerError(last.name, status, await answer.rest())
        except NoReplyError as error:
            raise ServerDownError from error
        except TimeoutError:
            raise ContainerError(last.name) from None
        return answer

    async def drain(self) -> None:
        """End every server once its requests are answered; nobody may send new ones meanwhile."""
        # One after the other: whoever leaves a container of a pipeline is in the next one by the time that it idles.
        for container in self.containers:
            await container.server.drain()

    async def stop(self) -> None:
        """End every server now."""
        await asyncio.gather(*(container.server.stop() for container in self.containers))


async def _ask(container: Container, body: bytes, headers: Mapping[str, str], deadline: float) -> Reply:
    left = deadline - asyncio.get_running_loop().time()
    try:
        reply = await container.answer(body, headers, left)
    except TimeoutError:
        raise ContainerError(container.name) from None
    except LoadError as error:
        raise ContainerError(container.name, error.reply.status, error.reply.body) from None
    if not _is_success(reply.status):
        raise ContainerError(container.name, reply.status, reply.body)
    return reply


def _is_success(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004  what HTTP calls success
