"""What endpoints whose machines run several containers are made of."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from slipway.specs.alarms import Alarms, check_gpu_alarms
from slipway.specs.base import Findings, Name, Spec
from slipway.specs.front_rules import check_bound
from slipway.specs.machine import HostingType, check_machine
from slipway.specs.parts import (
    Canary,
    Capture,
    Description,
    Front,
    Instances,
    Rollout,
    TimeoutSeconds,
    VolumeGib,
)
from slipway.specs.scaling import Scaling
from slipway.specs.servers import OnnxRuntime, Server, ServerSpec
from slipway.specs.variables import EnvironmentVariables, check_variables

_SHARED = "belongs to the endpoint, whose containers share their machines: move it beside 'containers'"


class Container(Spec):
    """One model in one container, beside the others on every machine of the fleet."""

    impossible: ClassVar[dict[str, str]] = {
        "instance_type": _SHARED,
        "instances": _SHARED,
        "volume_gib": _SHARED,
        "scaling": _SHARED,
        "routing": _SHARED,
        "startup_timeout_seconds": _SHARED,
        "download_timeout_seconds": _SHARED,
        "weight": "containers do not share the traffic: remove the key, or use kind: realtime with variants",
    }

    name: Name
    """Its host name, by which logs, metrics and callers know it; no other container of the endpoint has the same."""
    model: Name
    """A model under ``models/``."""
    server: Server = OnnxRuntime(name="onnxruntime")
    """What answers inside the container."""
    environment: EnvironmentVariables = {}
    """Variables for the container, at most 1,024 bytes each; never secrets."""


class ContainersSpec(Spec):
    """An endpoint whose machines each run all of its containers; a kind of it says who answers a request."""

    reasons: ClassVar[dict[str, str]] = {
        "containers": "SageMaker runs 2 to 15 of them on a machine; for one alone use kind: realtime"
    }

    kind: Literal["multi-container", "pipeline"]
    """Who answers a request."""
    description: Description | None = None
    """What it is for, in a sentence."""
    containers: Annotated[tuple[Container, ...], Field(min_length=2, max_length=15)]
    """At least two, at most fifteen; in a pipeline in the order in which a request passes them."""
    instance_type: HostingType
    """What each machine is; sold in the environment's region, x86-64. All containers share it."""
    instances: Instances | None = None
    """Fleet size where nothing scales it. Default: the minimum of ``scaling``, else 1."""
    volume_gib: VolumeGib | None = None
    """Size of the attached volume. Default: SageMaker's own; refused on types with their own NVMe disk."""
    startup_timeout_seconds: TimeoutSeconds | None = None
    """How long the slowest container may take until /ping answers. Default: 600 s and a second for each 20 MiB of all
    archives, in whole minutes, at most 3600."""
    download_timeout_seconds: TimeoutSeconds | None = None
    """How long the archives may take to arrive and unpack. Default: 300 s and a second for each 10 MiB of all of them,
    in whole minutes, at most 3600."""
    routing: Literal["random", "least-outstanding-requests"] | None = None
    """Which of the fleet's machines takes a request. Default: SageMaker's own choice, random."""
    scaling: Scaling | None = None
    """Absent: the fleet keeps its size."""
    rollout: Rollout = Canary(strategy="canary")
    """How a new version takes over."""
    alarms: Alarms = Alarms()
    front: Front | None = None
    """Absent: callers use InvokeEndpoint."""
    capture: Capture | None = None
    """Absent: nothing that passes through is kept."""
    network_isolation: bool = True
    """Whether containers are cut off from every network but SageMaker's own."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        self._check_names(findings)
        check_machine(findings, (), self, self.rollout, scaled=self.scaling is not None)
        check_bound(findings, self.front, self.alarms.p99_latency_ms)
        check_gpu_alarms(findings, ("alarms",), self.alarms, [self.instance_type])
        for index, container in enumerate(self.containers):
            check_variables(findings, ("containers", index, "environment"), container.environment)
        if self.instances is not None and self.scaling is not None:
            message = "scaling decides the fleet's size: remove the key, or set scaling.instances"
            findings.add(("instances",), message)
        findings.refuse()
        return self

    @property
    def servers(self) -> list[ServerSpec]:
        """What answers inside the containers."""
        return [container.server for container in self.containers]

    def hosted_models(self) -> list[tuple[str, str]]:
        """Every model this endpoint hosts, with the path of the key that names it."""
        return [(f"containers.{index}.model", container.model) for index, container in enumerate(self.containers)]

    def _check_names(self, findings: Findings) -> None:
        seen: set[str] = set()
        for index, container in enumerate(self.containers):
            if container.name in seen:
                message = f"'{container.name}' is given twice: name each container apart"
                findings.add(("containers", index, "name"), message)
            seen.add(container.name)


def impossible(subject: str) -> dict[str, str]:
    """Return the keys that endpoints of other kinds have and one of several containers cannot.

    Args:
        subject: What the endpoint is called: ``a pipeline``.
    """
    one_fleet = f"{subject} runs all of its containers on one fleet: write 'containers' and 'instance_type'"
    at_once = f"{subject} answers at once: remove the key, or use kind: async"
    on_instances = f"{subject} runs on instances: choose 'instance_type', or use kind: serverless"
    return {
        "variants": one_fleet,
        "model": one_fleet,
        "models": one_fleet,
        "server": "belongs to a container: move it into 'containers'",
        "environment": "belongs to a container: move it into 'containers'",
        "weight": f"{subject} has one fleet, which takes all requests: remove the key",
        "shadow": f"{subject} cannot have a shadow variant: use kind: realtime",
        "memory_mib": on_instances,
        "max_concurrency": on_instances,
        "provisioned_concurrency": on_instances,
        "concurrency": at_once,
        "results": at_once,
        "notify": at_once,
        "outside_vpc": f"{subject} is placed in the environment's network: remove the key",
    }
