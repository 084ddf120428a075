"""Endpoints that keep many models on one fleet and load each when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from slipway.catalog import instance_types
from slipway.specs.alarms import MultiModelAlarms, check_gpu_alarms
from slipway.specs.base import Findings, Name, Spec
from slipway.specs.front_rules import check_bound, check_response
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
from slipway.specs.servers.onnxruntime import JOINING
from slipway.specs.text import Distinct, Shape
from slipway.specs.variables import EnvironmentVariables, check_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
Folder = Annotated[
    str,
    Shape(
        # S3 keys are plain texts: nothing would resolve a dot, so a segment of dots can only be a mistake.
        rf"^(?=.{{1,1024}}$)s3://{BUCKET}/(?:(?!\.{{1,2}}/)[A-Za-z0-9!_.'()=-]+/)+$",
        "a folder in S3 that ends in '/', such as s3://bucket/models/",
    ),
    Field(examples=["s3://bucket/models/"]),
]
KeyArn = Annotated[
    str,
    Shape(r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,128}$", "a key's ARN: arn:aws:kms:…:key/…"),
]
ACCELERATED = ("ml.inf", "ml.trn")


class MultiModelEndpointSpec(Spec):
    """A multi-model endpoint: any number of models on one fleet, each loaded when it is first asked for."""

    impossible: ClassVar[dict[str, str]] = {
        "variants": "a multi-model endpoint has one fleet: write 'models' and 'instance_type' beside 'kind'",
        "model": "a multi-model endpoint hosts several: write 'models: [first, second]'",
        "containers": "a multi-model endpoint has one container: use kind: multi-container",
        "components": "a multi-model endpoint shares one fleet by itself: use kind: inference-components",
        "weight": "a multi-model endpoint has one fleet, which takes all requests: remove the key",
        "shadow": "a multi-model endpoint cannot have a shadow variant: use kind: realtime",
        "memory_mib": "a multi-model endpoint runs on instances: choose 'instance_type'",
        "max_concurrency": "a multi-model endpoint cannot be serverless: use 'scaling'",
        "provisioned_concurrency": "a multi-model endpoint cannot be serverless: use 'scaling'",
        "concurrency": "a multi-model endpoint answers at once: remove the key, or use kind: async",
        "results": "a multi-model endpoint answers at once: remove the key, or use kind: async",
        "notify": "a multi-model endpoint answers at once: remove the key, or use kind: async",
        "outside_vpc": "a multi-model endpoint is placed in the environment's network: remove the key",
        "routing": "requests go to a machine that has the model loaded already: remove the key",
        "download_timeout_seconds": "models are fetched when they are asked for, which SageMaker gives 360 s: "
        "remove the key",
    }

    kind: Literal["multi-model"]
    """On instances that load a model when it is asked for, and unload it when another needs the room."""
    description: Description | None = None
    """What it is for, in a sentence."""
    models: Annotated[tuple[Name, ...], Field(min_length=1, max_length=1000), Distinct()] | None = None
    """Models under ``models/``; callers ask for ``<name>.tar.gz``. Either this or ``prefix``."""
    prefix: Folder | None = None
    """A folder of archives that somebody else keeps; callers ask for an archive by its path in there. New archives need
    no deployment. In the environment's account. Either this or ``models``."""
    prefix_key: KeyArn | None = None
    """The KMS key that the archives under ``prefix`` are encrypted with. Default: they are encrypted by S3's own."""
    cache: bool = True
    """Whether a model stays in memory once it was asked for; false: it is loaded for every request, for many models
    that are rarely asked for."""
    server: Server = OnnxRuntime(name="onnxruntime")
    """What answers inside the container."""
    instance_type: HostingType
    """What each machine is; sold in the environment's region, x86-64, without GPUs (only Triton shares those)."""
    instances: Instances | None = None
    """Fleet size where nothing scales it. Default: 1."""
    volume_gib: VolumeGib | None = None
    """Size of the attached volume, which keeps archives that were asked for. Default: SageMaker's own; refused on types
    with their own NVMe disk."""
    startup_timeout_seconds: TimeoutSeconds | None = None
    """How long the container may take until /ping answers, which needs no model. Default: 600."""
    environment: EnvironmentVariables = {}
    """Variables for the container, at most 1,024 bytes each; never secrets. ``SLIPWAY_MODELS_MEMORY_MIB`` bounds what
    models take together; by default 70 % of the machine's memory."""
    scaling: Scaling | None = None
    """Absent: the fleet keeps its size."""
    rollout: Rollout = Canary(strategy="canary")
    """How a new version takes over."""
    alarms: MultiModelAlarms = MultiModelAlarms()
    front: Front | None = None
    """The path ends with the model's name, ``/ask/digits``. Absent: callers use InvokeEndpoint with TargetModel."""
    capture: Capture | None = None
    """Absent: nothing that passes through is kept."""
    network_isolation: bool = True
    """Whether containers are cut off from every network but SageMaker's own, which brings the models."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        check_machine(findings, (), self, self.rollout, scaled=self.scaling is not None)
        check_variables(findings, ("environment",), self.environment)
        check_bound(findings, self.front, self.alarms.p99_latency_ms)
        check_response(findings, self.front, self.kind)
        check_gpu_alarms(findings, ("alarms",), self.alarms, [self.instance_type])
        for key, message in self._impossible():
            findings.add((key,), message)
        findings.refuse()
        return self

    @property
    def servers(self) -> list[ServerSpec]:
        """What answers on the fleet."""
        return [self.server]

    def hosted_models(self) -> list[tuple[str, str]]:
        """Every model of ours that this endpoint hosts, with the path of the key that names it."""
        return [(f"models.{index}", model) for index, model in enumerate(self.models or ())]

    def _impossible(self) -> Iterator[tuple[str, str]]:
        if self.models is None and self.prefix is None:
            yield "kind", "a multi-model endpoint needs 'models: [first, second]' or 'prefix: s3://bucket/folder/'"
        if self.models is not None and self.prefix is not None:
            yield "prefix", "'models' are uploaded to a folder of the endpoint's own: remove one of the two keys"
        for key in JOINING:
            if (getattr(self.server, key, None) or 1) > 1:
                yield "server", f"'{key}' is for a server of one model, and this one loads many: remove it"
        if self.prefix_key is not None and self.prefix is None:
            yield "prefix_key", "goes with 'prefix': remove the key"
        if self.instances is not None and self.scaling is not None:
            yield "instances", "scaling decides the fleet's size: remove the key, or set scaling.instances"
        # Source: SageMaker developer guide, "Supported algorithms, frameworks, and instances" of multi-model endpoints.
        machine = instance_types()[self.instance_type]
        if bool(machine.gpus) or machine.name.startswith(ACCELERATED):
            message = f"'{machine.name}' has accelerators, which many models share under Triton alone"
            yield "instance_type", f"{message}: use ml.c7i or ml.m7i, or kind: realtime"
