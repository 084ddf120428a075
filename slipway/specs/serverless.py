"""Endpoints that SageMaker starts when a request comes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from slipway.specs.alarms import ServerlessAlarms
from slipway.specs.base import Findings, Name, Spec
from slipway.specs.bounds import as_in_variant
from slipway.specs.front_rules import check_bound, check_response
from slipway.specs.parts import Description, Front
from slipway.specs.provisioned import Concurrency, ProvisionedScaling
from slipway.specs.servers import OnnxRuntime, Server
from slipway.specs.variables import EnvironmentVariables, check_variables


class ServerlessEndpointSpec(Spec):
    """A serverless endpoint: one model, no instances, paid by the request; it starts cold."""

    impossible: ClassVar[dict[str, str]] = {
        "variants": "a serverless endpoint hosts one model: write 'model' beside 'kind', or use kind: realtime",
        "containers": "a serverless endpoint hosts one model: use kind: multi-container, or kind: pipeline",
        "capture": "a serverless endpoint cannot capture data: remove the key, or use kind: realtime",
        "network_isolation": "a serverless endpoint cannot be isolated: remove the key, or use kind: realtime",
        "instance_type": "a serverless endpoint has no instances: choose 'memory_mib', or use kind: realtime",
        "instances": "a serverless endpoint has no instances: choose 'max_concurrency', or use kind: realtime",
        "volume_gib": "a serverless endpoint has no volume: remove the key, or use kind: realtime",
        "shadow": "a serverless endpoint cannot have a shadow variant: use kind: realtime",
        "weight": "a serverless endpoint hosts one model, which takes all requests: remove the key",
        "startup_timeout_seconds": "a serverless container has three minutes to start: remove the key",
        "download_timeout_seconds": "a serverless container has three minutes to start: remove the key",
        "routing": "a serverless endpoint has no instances to choose from: remove the key, or use kind: realtime",
        "concurrency": "a serverless endpoint answers at once: choose 'max_concurrency', or use kind: async",
        "results": "a serverless endpoint answers at once: remove the key, or use kind: async",
        "notify": "a serverless endpoint answers at once: remove the key, or use kind: async",
        "network": "a serverless endpoint cannot be in a VPC: use kind: realtime",
        "vpc_id": "a serverless endpoint cannot be in a VPC: use kind: realtime",
        "subnets": "a serverless endpoint cannot be in a VPC: use kind: realtime",
        "rollout": "a serverless endpoint has no guarded rollouts: remove the key, or use kind: realtime",
    }

    kind: Literal["serverless"]
    """On machines that SageMaker starts when a request comes."""
    description: Description | None = None
    """What it is for, in a sentence."""
    model: Name
    """A model under ``models/``."""
    server: Server = OnnxRuntime(name="onnxruntime")
    """What answers inside the container."""
    memory_mib: Literal[1024, 2048, 3072, 4096, 5120, 6144] = 2048
    """Memory of one container; CPU follows it."""
    max_concurrency: Annotated[int, as_in_variant("ServerlessConfig", "MaxConcurrency")] = 10
    """Requests answered at the same time; more are throttled."""
    provisioned_concurrency: Concurrency | None = None
    """Copies of the container that are kept warm, at most ``max_concurrency``. Default: the minimum of ``scaling``,
    else none: the first request after a pause waits for a container."""
    scaling: ProvisionedScaling | None = None
    """How the copies that are kept warm follow their use; requests beyond them start containers of their own."""
    environment: EnvironmentVariables = {}
    """Variables for the container, at most 1,024 bytes each; never secrets."""
    alarms: ServerlessAlarms = ServerlessAlarms()
    front: Front | None = None
    """Absent: callers use InvokeEndpoint."""
    outside_vpc: Annotated[str, Field(min_length=10, max_length=200)] | None = None
    """Why this endpoint may run outside the environment's VPC; serverless endpoints cannot be placed in one, so an
    environment with a network asks for the reason."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        check_variables(findings, ("environment",), self.environment)
        self._check_provisioned(findings)
        check_bound(findings, self.front, self.alarms.p99_latency_ms)
        check_response(findings, self.front, self.kind)
        findings.refuse()
        return self

    def hosted_models(self) -> list[tuple[str, str]]:
        """The one model this endpoint hosts, with the path of the key that names it."""
        return [("model", self.model)]

    def provisioned(self) -> int | None:
        """How many copies are kept warm at first; None where none are."""
        return self.provisioned_concurrency if self.scaling is None else self.scaling.provisioned.min

    def _check_provisioned(self, findings: Findings) -> None:
        if self.scaling is not None and self.provisioned_concurrency is not None:
            message = "scaling decides how many copies are warm: remove the key, or set scaling.provisioned"
            findings.add(("provisioned_concurrency",), message)
        wanted = {
            ("provisioned_concurrency",): self.provisioned_concurrency,
            ("scaling", "provisioned", "max"): None if self.scaling is None else self.scaling.provisioned.max,
        }
        for path, count in wanted.items():
            if count is not None and count > self.max_concurrency:
                message = f"{count} warm copies are more than the {self.max_concurrency} requests of 'max_concurrency'"
                findings.add(path, f"{message}: write less, or raise it", because=(("max_concurrency",),))
