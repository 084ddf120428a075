"""One of several models that share a fleet, and how its copies follow their load."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from slipway.specs.base import Findings, Name, Spec
from slipway.specs.parts import TimeoutSeconds
from slipway.specs.scaling import Cooldown
from slipway.specs.schedule import check_order
from slipway.specs.servers import OnnxRuntime, Server, ServerSpec
from slipway.specs.variables import EnvironmentVariables

if TYPE_CHECKING:
    from slipway.catalog import InstanceType

Copies = Annotated[int, Field(ge=0, le=1000)]


class CopyCount(Spec):
    """Bounds of a component that is scaled."""

    min: Copies
    """0: no copy is kept while nobody asks; the request that wakes it up is refused, and so are those that follow until
    the first copy answers."""
    max: Annotated[int, Field(ge=1, le=1000)]
    """Not less than min."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        findings = Findings()
        check_order(findings, (), self.min, self.max)
        findings.refuse()
        return self


class CopyScaling(Spec):
    """How many copies of a component there are."""

    impossible: ClassVar[dict[str, str]] = {
        "instances": "a component is scaled by copies: write 'copies: {min, max}'; SageMaker adds instances for them",
        "metric": "this load has a metric of SageMaker's own: remove the key",
    }

    copies: CopyCount
    track: Literal["concurrency", "invocations"]
    """``concurrency``: requests in flight per copy, measured every 10 s. ``invocations``: per copy and minute."""
    target: Annotated[float, Field(gt=0, le=1_000_000)]
    """Value that each copy is kept at, in the unit of ``track``."""
    scale_in_cooldown_seconds: Cooldown = 300
    """How long the copies stay as they are before there are fewer again."""
    scale_out_cooldown_seconds: Cooldown = 60
    """How long the copies stay as they are before there are more again, be it from nothing."""


class Component(Spec):
    """One model on the fleet: what each copy needs, and how many copies there are."""

    impossible: ClassVar[dict[str, str]] = {
        "instance_type": "the fleet is for all components: write it beside 'kind'",
        "instances": "the fleet is for all components: write it beside 'kind', and 'copies' here",
        "volume_gib": "the fleet is for all components: write it beside 'kind'",
        "gpus": "are counted with Neuron devices, as SageMaker does: write 'accelerators'",
        "weight": "callers name the component that they ask: remove the key",
        "routing": "requests are routed alike for all components: write it beside 'kind'",
    }
    reasons: ClassVar[dict[str, str]] = {
        "cpus": "SageMaker gives out quarters of a core at least",
        "memory_mib": "SageMaker gives out 128 MiB at least",
    }

    name: Name
    """How callers name it, after the endpoint's name and a hyphen; no other component has the same."""
    model: Name
    """A model under ``models/``."""
    server: Server = OnnxRuntime(name="onnxruntime")
    """What answers inside the container."""
    cpus: Annotated[float, Field(ge=0.25, le=1000)] | None = None
    """Cores that each copy gets for itself. Default: none; it shares what the others leave."""
    accelerators: Annotated[int, Field(ge=1, le=64)] | None = None
    """GPUs or Neuron devices that each copy gets for itself. Default: none."""
    memory_mib: Annotated[int, Field(ge=128, le=33_554_432)]
    """Main memory that each copy gets for itself; an instance holds as many copies as it has room for."""
    max_memory_mib: Annotated[int, Field(ge=128, le=33_554_432)] | None = None
    """What a copy may grow to. Default: SageMaker's own bound."""
    copies: Copies | None = None
    """How many there are where nothing scales them; 0 keeps the component without answering. Default: 1."""
    scaling: CopyScaling | None = None
    """Absent: there are always as many copies."""
    startup_timeout_seconds: TimeoutSeconds | None = None
    """How long the container may take until /ping answers. Default: from the artifact's size, as a variant's."""
    download_timeout_seconds: TimeoutSeconds | None = None
    """How long the archive may take to arrive and unpack. Default: from the artifact's size, as a variant's."""
    environment: EnvironmentVariables = {}
    """Variables for the container, at most 1,024 bytes each; never secrets."""

    def share_of(self, machine: InstanceType) -> InstanceType:
        """Return what one copy's container sees of a machine: no other accelerators than its own."""
        cores = machine.vcpus if self.cpus is None else max(1, int(self.cpus))
        return replace(machine, vcpus=cores, gpus=self.accelerators or 0, memory_mib=self.memory_mib)

    @property
    def servers(self) -> list[ServerSpec]:
        """What answers for it."""
        return [self.server]

    @property
    def least_copies(self) -> int:
        """How many copies there always are."""
        if self.scaling is not None:
            return self.scaling.copies.min
        return 1 if self.copies is None else self.copies

    @property
    def most_copies(self) -> int:
        """How many copies there may be."""
        return self.least_copies if self.scaling is None else self.scaling.copies.max

    @property
    def initial_copies(self) -> int:
        """How many copies it is created with: one at least where it is scaled, which proves that it starts at all."""
        return self.least_copies if self.scaling is None else max(1, self.least_copies)
