"""Endpoints on which several models share one fleet."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from slipway.specs.alarms import Alarms, check_gpu_alarms
from slipway.specs.base import Findings, Spec
from slipway.specs.component import Component
from slipway.specs.component_rules import check_fleet, check_sleep
from slipway.specs.front_rules import check_bound
from slipway.specs.machine import HostingType
from slipway.specs.parts import Capture, Description, Front, Rolling, VolumeGib
from slipway.specs.schedule import check_order
from slipway.specs.variables import check_variables


class FleetSize(Spec):
    """Bounds of the fleet that components share; SageMaker adds and removes instances as copies need them."""

    min: Annotated[int, Field(ge=0, le=1000)]
    """0: the fleet is switched off while no component has a copy."""
    max: Annotated[int, Field(ge=1, le=1000)]
    """Not less than min; the bill's upper bound."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        findings = Findings()
        check_order(findings, (), self.min, self.max)
        findings.refuse()
        return self


class InferenceComponentsEndpointSpec(Spec):
    """An endpoint of inference components: several models on one fleet, each with resources and copies of its own."""

    impossible: ClassVar[dict[str, str]] = {
        "variants": "models share one fleet: write them as 'components: [{name, model, memory_mib}]'",
        "model": "models share one fleet: write it as 'components: [{name, model, memory_mib}]'",
        "models": "each model says what it needs: write 'components: [{name, model, memory_mib}]', or use kind: "
        "multi-model",
        "containers": "models share one fleet: write 'components: [{name, model, memory_mib}]', or use kind: "
        "multi-container",
        "copies": "belongs to a component: move it into 'components'",
        "environment": "belongs to a component: move it into 'components'",
        "startup_timeout_seconds": "belongs to a component: move it into 'components'",
        "download_timeout_seconds": "belongs to a component: move it into 'components'",
        "memory_mib": "belongs to a component: move it into 'components'",
        "scaling": "each component is scaled on its own: move it into 'components', and write 'instances: {min, max}'",
        "weight": "callers name the component that they ask: remove the key",
        "shadow": "inference components cannot have a shadow variant: use kind: realtime",
        "max_concurrency": "inference components run on instances: scale them by 'track: concurrency'",
        "provisioned_concurrency": "inference components run on instances: choose 'copies'",
        "concurrency": "inference components answer at once: remove the key, or use kind: async",
        "results": "inference components answer at once: remove the key, or use kind: async",
        "notify": "inference components answer at once: remove the key, or use kind: async",
        "outside_vpc": "inference components are placed in the environment's network: remove the key",
    }

    kind: Literal["inference-components"]
    """On instances that several models share."""
    description: Description | None = None
    """What it is for, in a sentence."""
    instance_type: HostingType
    """What each machine is; sold in the environment's region, x86-64."""
    instances: FleetSize
    components: Annotated[tuple[Component, ...], Field(min_length=1, max_length=25)]
    """At least one; at most twenty-five, since CloudFormation takes 500 resources in a stack."""
    volume_gib: VolumeGib | None = None
    """Size of the attached volume. Default: SageMaker's own; refused on types with their own NVMe disk."""
    routing: Literal["random", "least-outstanding-requests"] | None = None
    """Which copy takes a request. Default: SageMaker's own choice."""
    rollout: Rolling = Rolling(strategy="rolling", percent=50)
    """How a new version of a component takes over: copies are replaced batch by batch, the others go on answering."""
    alarms: Alarms = Alarms()
    capture: Capture | None = None
    """Absent: nothing that passes through is kept."""
    front: Front | None = None
    """Its path ends in the component's name. Absent: callers use InvokeEndpoint."""
    network_isolation: bool = True
    """Whether containers are cut off from every network but SageMaker's own."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        self._check_components(findings)
        check_fleet(findings, self)
        check_sleep(findings, self)
        check_bound(findings, self.front, self.alarms.p99_latency_ms)
        check_gpu_alarms(findings, ("alarms",), self.alarms, [self.instance_type])
        findings.refuse()
        return self

    def hosted_models(self) -> list[tuple[str, str]]:
        """Every model this endpoint hosts, with the path of the key that names it."""
        return [(f"components.{index}.model", component.model) for index, component in enumerate(self.components)]

    @property
    def initial_instances(self) -> int:
        """The fleet's size when it is created: SageMaker starts no fleet with none, it scales in afterwards."""
        return max(1, self.instances.min)

    def _check_components(self, findings: Findings) -> None:
        names = [component.name for component in self.components]
        for index, component in enumerate(self.components):
            path = ("components", index)
            if component.name in names[:index]:
                findings.add((*path, "name"), f"'{component.name}' is given twice: name each component apart")
            if component.copies is not None and component.scaling is not None:
                message = "scaling decides how many copies there are: remove the key, or set scaling.copies"
                findings.add((*path, "copies"), message)
            if component.max_memory_mib is not None and component.max_memory_mib < component.memory_mib:
                message = f"{component.max_memory_mib} is less than the {component.memory_mib} of 'memory_mib'"
                findings.add((*path, "max_memory_mib"), message, because=((*path, "memory_mib"),))
            check_variables(findings, (*path, "environment"), component.environment)
