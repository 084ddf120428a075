"""One live endpoint: its record, its fleet, its state."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from .backlog import Backlog
    from .fleet import Fleet
    from .places import Place
    from .records import EndpointConfig
    from .traffic import Traffic

Status = Literal["Creating", "Updating", "SystemUpdating", "RollingBack", "InService", "Deleting", "Failed"]


@dataclass
class Endpoint:
    """An endpoint as DescribeEndpoint sees it, and the traffic that it takes.

    Args:
        config_name: The configuration in service, or the first one while it is being created.
        failure_reason: Why the last creation or update failed; None if it did not.
        traffic: None where nothing serves.
        pending: The configuration that an update brings in.
        work: The creation, update or deletion under way or last done; its result is the reason of a failure.
        retiring: Fleets on their way out.
        backlog: What waits for an asynchronous endpoint; None until the first request.
        announce: Hears of every change of the status.
    """

    place: Place
    name: str
    config_name: str
    tags: dict[str, str]
    deployment: dict[str, Any] = field(default_factory=dict)
    status: Status = "Creating"
    failure_reason: str | None = None
    traffic: Traffic | None = None
    pending: EndpointConfig | None = None
    work: asyncio.Task[str | None] | None = None
    retiring: set[asyncio.Task[None]] = field(default_factory=set)
    backlog: Backlog | None = None
    announce: Callable[[Endpoint], None] = lambda _endpoint: None
    created: float = field(default_factory=time.time)
    modified: float = field(default_factory=time.time)

    @property
    def arn(self) -> str:
        """The ARN of this endpoint."""
        return self.place.arn("sagemaker", f"endpoint/{self.name.lower()}")

    @property
    def fleet(self) -> Fleet | None:
        """The fleet in service, None where nothing serves."""
        return self.traffic.current if self.traffic is not None else None

    def become(self, status: Status, failure_reason: str | None = None) -> None:
        """Move on to another status."""
        self.status = status
        self.failure_reason = failure_reason
        self.modified = time.time()
        self.announce(self)
