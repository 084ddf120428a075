"""What endpoints of every kind are made of."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from slipway.specs.base import Keys, Name, Spec
from slipway.specs.bounds import as_in_endpoint, as_in_variant, as_stated
from slipway.specs.front import Front as Front  # noqa: PLC0414  kinds take all their parts from here
from slipway.specs.machine import HostingType
from slipway.specs.pace import within_a_deployment
from slipway.specs.scaling import Scaling
from slipway.specs.servers import OnnxRuntime, Server, ServerSpec
from slipway.specs.text import Distinct
from slipway.specs.variables import EnvironmentVariables

Description = Annotated[str, Field(min_length=1, max_length=200)]
Instances = Annotated[int, Field(ge=1, le=1000)]
VolumeGib = Annotated[int, as_in_variant("VolumeSizeInGB")]
TimeoutSeconds = Annotated[int, as_in_variant("ContainerStartupHealthCheckTimeoutInSeconds")]
TerminationSeconds = Annotated[
    int, as_in_endpoint("DeploymentConfig", "BlueGreenUpdatePolicy", "TerminationWaitInSeconds")
]


class Canary(Spec):
    """A new fleet takes a share of the traffic first, and all of it only if no alarm fires."""

    reasons: ClassVar[dict[str, str]] = {"percent": "SageMaker lets at most half of the fleet go first"}

    strategy: Literal["canary"]
    """A share first."""
    percent: Annotated[int, as_stated("canary_percent")] = 10
    """Share of capacity that goes first. Source: SageMaker allows at most 50."""
    bake_minutes: Annotated[int, Field(ge=0, le=60)] = 10
    """How long the share is watched before the rest follows."""
    terminate_after_seconds: TerminationSeconds = 120
    """How long the old fleet stays once the new one has all the traffic."""


class AllAtOnce(Spec):
    """A new fleet takes all the traffic at once, and the old one stays ready for the way back."""

    strategy: Literal["all-at-once"]
    """Everything in one step."""
    bake_minutes: Annotated[int, Field(ge=0, le=60)] = 10
    """How long the alarms are watched before the old fleet goes."""
    terminate_after_seconds: TerminationSeconds = 120
    """How long the old fleet stays once the new one has all the traffic."""


class Linear(Spec):
    """A new fleet takes the traffic in equal steps, each only if no alarm fires during the one before."""

    impossible: ClassVar[dict[str, str]] = {
        "rollback_percent": "the old fleet takes all the traffic back at once: remove the key"
    }
    reasons: ClassVar[dict[str, str]] = {"percent": "SageMaker moves a tenth to a half of the fleet at a time"}

    strategy: Literal["linear"]
    """Equal steps."""
    percent: Annotated[int, as_stated("linear_step_percent")] = 25
    """Share of capacity that each step moves. Source: SageMaker allows 10 to 50."""
    bake_minutes: Annotated[int, Field(ge=0, le=60)] = 10
    """How long each step is watched before the next follows."""
    terminate_after_seconds: TerminationSeconds = 120
    """How long the old fleet stays once the new one has all the traffic."""

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        return within_a_deployment(self, self.percent, self.bake_minutes)


class Rolling(Spec):
    """Machines are replaced batch by batch, without a second fleet beside the first."""

    impossible: ClassVar[dict[str, str]] = {
        "terminate_after_seconds": "a rolling update ends the old machines batch by batch: remove the key"
    }
    reasons: ClassVar[dict[str, str]] = {"percent": "SageMaker replaces a twentieth to a half of the fleet at a time"}

    strategy: Literal["rolling"]
    """Batch by batch; for one variant."""
    percent: Annotated[int, as_stated("rolling_batch_percent")] = 25
    """Share of the fleet that each batch replaces. Source: SageMaker allows 5 to 50."""
    bake_minutes: Annotated[int, Field(ge=0, le=60)] = 10
    """How long each batch is watched before the next follows."""
    rollback_percent: Annotated[int, as_stated("rollback_batch_percent")] = 100
    """Share of the fleet that each batch brings back when an alarm fires; 100 brings all of it back at once."""

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        return within_a_deployment(self, self.percent, self.bake_minutes)


Rollout = Annotated[Canary | AllAtOnce | Linear | Rolling, Field(discriminator="strategy")]


class Capture(Spec):
    """Keep requests and answers in the environment's capture bucket, encrypted."""

    percent: Annotated[int, Field(ge=1, le=100)]
    """Share of requests that is kept."""


class Variant(Spec):
    """One model on one fleet."""

    name: Name
    """How callers and overrides name it; no other variant of the endpoint has the same."""
    model: Name
    """A model under ``models/``."""
    server: Server = OnnxRuntime(name="onnxruntime")
    """What answers inside the container."""
    instance_type: HostingType
    """What each machine is; sold in the environment's region, x86-64."""
    weight: Annotated[float, Field(ge=0, le=1_000_000)] = 1.0
    """Share of the traffic, relative to the other variants; 0 takes none."""
    fallback: Annotated[tuple[HostingType, ...], Field(max_length=4), Distinct()] = ()
    """Other types, in order of preference, for when ``instance_type`` cannot be had. Default: a deployment fails and a
    fleet stays as small as it is when AWS has no such machine left."""
    provision_timeout_seconds: Annotated[int, as_in_variant("VariantInstanceProvisionTimeoutInSeconds")] | None = None
    """How long SageMaker looks for machines before it gives up. Default: as long as it does of its own."""
    instances: Instances | None = None
    """Fleet size where nothing scales it. Default: the minimum of ``scaling``, else 1."""
    volume_gib: VolumeGib | None = None
    """Size of the attached volume. Default: SageMaker's own; refused on types with their own NVMe disk."""
    startup_timeout_seconds: TimeoutSeconds | None = None
    """How long the container may take until /ping answers. Default: 600 s and a second for each 20 MiB of the archive,
    in whole minutes, at most 3600."""
    download_timeout_seconds: TimeoutSeconds | None = None
    """How long the archive may take to arrive and unpack. Default: 300 s and a second for each 10 MiB of it, in whole
    minutes, at most 3600."""
    routing: Literal["random", "least-outstanding-requests"] | None = None
    """Which of the fleet's machines takes a request. Default: SageMaker's own choice, random."""
    environment: EnvironmentVariables = {}
    """Variables for the container, at most 1,024 bytes each; never secrets."""
    scaling: Scaling | None = None
    """Default: the endpoint's own."""

    @property
    def servers(self) -> list[ServerSpec]:
        """What answers on the fleet."""
        return [self.server]

    def machines(self) -> list[tuple[Keys, str]]:
        """Every instance type that the fleet may be of, the preferred one first, with where it is written."""
        fallback: list[tuple[Keys, str]] = [(("fallback", index), name) for index, name in enumerate(self.fallback)]
        return [(("instance_type",), self.instance_type), *fallback]
