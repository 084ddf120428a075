"""Endpoints that take a request from S3 and leave the answer there."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import model_validator

from slipway.specs.alarms import AsyncAlarms, check_gpu_alarms
from slipway.specs.async_front import AsyncFront
from slipway.specs.async_parts import AsyncScaling, Results
from slipway.specs.base import Findings, Name, Spec
from slipway.specs.bounds import as_in_config
from slipway.specs.machine import HostingType, check_machine
from slipway.specs.parts import (
    AllAtOnce,
    Description,
    Instances,
    Rollout,
    TimeoutSeconds,
    VolumeGib,
)
from slipway.specs.servers import OnnxRuntime, Server, ServerSpec
from slipway.specs.text import Distinct
from slipway.specs.variables import EnvironmentVariables, check_variables

CONCURRENT = as_in_config("AsyncInferenceConfig", "ClientConfig", "MaxConcurrentInvocationsPerInstance")


class AsyncEndpointSpec(Spec):
    """An asynchronous endpoint: one model on a fleet that works off a queue and may sleep while it is empty."""

    impossible: ClassVar[dict[str, str]] = {
        "variants": "an asynchronous endpoint hosts one model: write 'model' and 'instance_type' beside 'kind'",
        "containers": "an asynchronous endpoint hosts one model: use kind: multi-container, or kind: pipeline",
        "weight": "an asynchronous endpoint hosts one model, which takes all requests: remove the key",
        "shadow": "an asynchronous endpoint cannot have a shadow variant: use kind: realtime",
        "memory_mib": "an asynchronous endpoint runs on instances: choose 'instance_type', or use kind: serverless",
        "max_concurrency": "an asynchronous endpoint runs on instances: choose 'concurrency', or use kind: serverless",
        "provisioned_concurrency": "an asynchronous endpoint runs on instances: choose 'concurrency', or use "
        "kind: serverless",
        "routing": "an asynchronous endpoint's instances take requests from a queue: remove the key",
        "outside_vpc": "an asynchronous endpoint is placed in the environment's network: remove the key",
        "capture": "requests and answers of an asynchronous endpoint lie in S3 anyway: choose 'results.expire_days'",
    }

    kind: Literal["async"]
    """On instances that work off a queue; they may all be switched off while it is empty."""
    description: Description | None = None
    """What it is for, in a sentence."""
    model: Name
    """A model under ``models/``."""
    server: Server = OnnxRuntime(name="onnxruntime")
    """What answers inside the container."""
    instance_type: HostingType
    """What each machine is; sold in the environment's region, x86-64."""
    instances: Instances | None = None
    """Fleet size where nothing scales it. Default: 1."""
    concurrency: Annotated[int, CONCURRENT] | None = None
    """Requests that one instance answers at the same time. Default: SageMaker chooses."""
    volume_gib: VolumeGib | None = None
    """Size of the attached volume. Default: SageMaker's own; refused on types with their own NVMe disk."""
    startup_timeout_seconds: TimeoutSeconds | None = None
    """How long the container may take until /ping answers. Default: from the artifact's size, as a variant's."""
    download_timeout_seconds: TimeoutSeconds | None = None
    """How long the archive may take to arrive and unpack. Default: from the artifact's size, as a variant's."""
    environment: EnvironmentVariables = {}
    """Variables for the container, at most 1,024 bytes each; never secrets."""
    results: Results = Results()
    notify: Annotated[tuple[Literal["success", "error"], ...], Distinct()] = ("success", "error")
    """What is announced, each on an SNS topic of its own; empty: nothing is."""
    scaling: AsyncScaling | None = None
    """Absent: the fleet keeps its size."""
    rollout: Rollout = AllAtOnce(strategy="all-at-once")
    """How a new version takes over; the queue waits meanwhile."""
    alarms: AsyncAlarms = AsyncAlarms()
    network_isolation: bool = True
    """Whether containers are cut off from every network but SageMaker's own."""
    front: AsyncFront | None = None
    """Absent: callers put requests into the endpoint's bucket and use InvokeEndpointAsync."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        check_machine(findings, (), self, self.rollout, scaled=self.scaling is not None)
        check_variables(findings, ("environment",), self.environment)
        check_gpu_alarms(findings, ("alarms",), self.alarms, [self.instance_type])
        if self.instances is not None and self.scaling is not None:
            message = "scaling decides the fleet's size: remove the key, or set scaling.instances"
            findings.add(("instances",), message)
        findings.refuse()
        return self

    @property
    def servers(self) -> list[ServerSpec]:
        """What answers on the fleet."""
        return [self.server]

    def hosted_models(self) -> list[tuple[str, str]]:
        """The one model this endpoint hosts, with the path of the key that names it."""
        return [("model", self.model)]

    @property
    def initial_instances(self) -> int:
        """The fleet's size when it is created: SageMaker starts no fleet with none, it scales in afterwards."""
        if self.scaling is not None:
            return max(1, self.scaling.instances.min)
        return 1 if self.instances is None else self.instances
