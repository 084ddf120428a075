"""What this cloud knows: the one store of record, by place."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from .container import PRIMARY

if TYPE_CHECKING:
    import asyncio

    from .component import Component
    from .endpoint import Endpoint
    from .places import Place


@dataclass
class Record:
    """A resource that never changes after its creation, but for its tags.

    Args:
        request: The validated members of the call that created it.
        created: Seconds since the epoch.
    """

    place: Place
    name: str
    request: dict[str, Any]
    created: float
    tags: dict[str, str] = field(default_factory=dict)

    kind: ClassVar[str]
    words: ClassVar[str]

    @property
    def arn(self) -> str:
        """The ARN of this resource."""
        return self.place.arn("sagemaker", f"{self.kind}/{self.name.lower()}")


class Model(Record):
    """A model: containers, and the archives that they serve."""

    kind = "model"
    words = "model"

    @property
    def containers(self) -> dict[str, dict[str, Any]]:
        """The definition of every container, in order, by its host name."""
        if "PrimaryContainer" in self.request:
            return {PRIMARY: self.request["PrimaryContainer"]}
        # The names of those that have none are a guess: AWS says only that they come from the container's position.
        return {
            definition.get("ContainerHostname", f"container-{number}"): definition
            for number, definition in enumerate(self.request["Containers"], start=1)
        }

    @property
    def direct(self) -> bool:
        """Whether callers choose one of the containers; else each request passes through all of them."""
        return bool(self.request.get("InferenceExecutionConfig", {}).get("Mode") == "Direct")


class EndpointConfig(Record):
    """An endpoint configuration: production variants and what they run on."""

    kind = "endpoint-config"
    words = "endpoint configuration"

    @property
    def variants(self) -> list[dict[str, Any]]:
        """The settings of every variant, the shadow's last."""
        return [*self.request["ProductionVariants"], *self.request.get("ShadowProductionVariants", [])]


class ComponentConfig(EndpointConfig):
    """What a fleet of one inference component alone would be configured as; it goes by the component's name."""


@dataclass
class ProcessingJob(Record):
    """A processing job and what becomes of it.

    Args:
        status: As SageMaker calls it.
        modified: When it changed last.
        started: When its machine was its own; None while it waits.
        ended: None while it goes on.
        exit_message: What the container wrote at its end.
        failure_reason: Why it failed.
        work: What runs it.
    """

    status: str = "InProgress"
    modified: float = 0.0
    started: float | None = None
    ended: float | None = None
    exit_message: str | None = None
    failure_reason: str | None = None
    work: asyncio.Task[None] | None = None

    kind = "processing-job"
    words = "processing job"

    def __post_init__(self) -> None:
        self.modified = self.created

    def become(self, status: str, reason: str | None = None) -> None:
        """Change its status, with the reason where it failed."""
        self.status, self.modified = status, time.time()
        self.failure_reason = reason
        if status in ("Completed", "Failed", "Stopped"):
            self.ended = self.modified


@dataclass
class ScalableTarget:
    """A registered scalable target, its policies and its scheduled actions by name."""

    request: dict[str, Any]
    created: float
    arn: str
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    actions: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Records:
    """Everything of one place."""

    models: dict[str, Model] = field(default_factory=dict)
    endpoint_configs: dict[str, EndpointConfig] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    components: dict[str, Component] = field(default_factory=dict)
    jobs: dict[str, ProcessingJob] = field(default_factory=dict)
    targets: dict[tuple[str, str, str], ScalableTarget] = field(default_factory=dict)


class Store:
    """The records of every place."""

    def __init__(self) -> None:
        self._places: defaultdict[Place, Records] = defaultdict(Records)

    def at(self, place: Place) -> Records:
        """Return the records of a place, empty where nothing was made."""
        return self._places[place]

    def by_place(self) -> list[tuple[Place, Records]]:
        """Return every place with its records."""
        return list(self._places.items())

    def endpoints(self) -> list[Endpoint]:
        """Return every endpoint of every place."""
        return [endpoint for records in self._places.values() for endpoint in records.endpoints.values()]

    def components(self) -> list[Component]:
        """Return every inference component of every place."""
        return [component for records in self._places.values() for component in records.components.values()]
