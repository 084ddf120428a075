from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from slipway.specs.base import Findings
from slipway.specs.servers.base import ServerSpec
from slipway.specs.servers.own_settings import unread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys

NO_GPU: Final = "which 'onnxruntime' does not use: write 'server: triton', or build it for 'target: cpu'"
JOINING: Final = ("batch_size", "workers")
"""What only a server of one model does."""


class OnnxRuntime(ServerSpec):
    """Our own server: ONNX Runtime and OpenVINO on CPUs, from ``serving/``. What is absent is its default."""

    name: Literal["onnxruntime"]
    """Our own."""
    workers: Annotated[int, Field(ge=1, le=256)] | None = None
    """Processes at one port, which share the weights on ONNX Runtime. Absent: one."""
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Requests that each worker computes at once. Absent: the cores, shared by the workers."""
    queue_limit: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """Requests that may wait; more are refused with 503. Absent: 64."""
    batch_size: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Inputs of different requests that the model is asked for at once. Absent: 8, where each gets the answer that it
    gets alone."""
    batch_delay_us: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """Microseconds that a request waits at most for others to join it. Absent: it does not wait."""
    max_body_bytes: Annotated[int, Field(ge=1, le=1 << 30)] | None = None
    """The largest body; larger ones are refused with 413. SageMaker lets 25 MB through, to asynchronous endpoints 1 GB.
    Absent: 6 MiB."""
    max_batch: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """The most inputs of one request. Absent: 64."""
    request_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    """How long a request may be computed until the model counts as stuck and a new process takes over. Absent: 300,
    five times what SageMaker waits; of an asynchronous endpoint 3600, all that it waits."""
    stream_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    """The same of a streamed answer. Absent: 900, where SageMaker waits 480."""
    drain_seconds: Annotated[int, Field(ge=0, le=25)] | None = None
    """How long what was accepted may take when the container ends, to which SageMaker gives 30. Absent: 25."""
    emf: bool | None = None
    """Whether CloudWatch is told what the server does, in lines of its log. Absent: it is not."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        if self.batch_delay_us and self.batch_size == 1:
            findings.add(("batch_delay_us",), "nothing joins a request that is asked by itself: leave 'batch_size' out")
        findings.refuse()
        return self

    def problems(self, artifact: Artifact, machine: InstanceType | None) -> Iterator[tuple[Keys, str]]:
        """Say that it reads neither a language model's files nor an engine for a GPU, and joins no generation."""
        subject = f"the artifact of '{artifact.model}'"
        if artifact.locked.target == "llm":
            yield (), f"{subject} is a language model's files, which 'onnxruntime' does not read: use 'server: lmi'"
        elif artifact.locked.target == "gpu" and machine is not None:
            yield (), f"{subject} needs a GPU, {NO_GPU}"
        if artifact.locked.per_token is not None and (self.batch_size or 1) > 1:
            yield ("batch_size",), f"'{artifact.model}' generates, and generations are not joined: remove the key"
        if machine is not None and machine.vcpus is not None and (self.workers or 1) > machine.vcpus:
            share = f"{self.workers} would share the {machine.vcpus} vCPUs of '{machine.name}'"
            yield ("workers",), f"{share}: write at most as many"

    def patience(self, seconds: int) -> dict[str, str]:
        """Let a request be computed for as long as its caller waits, unless the option says otherwise."""
        return {} if self.request_seconds is not None else {"SLIPWAY_REQUEST_SECONDS": str(seconds)}

    def unread(self, variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Yield the settings that it does not have, and values that it does not take."""
        yield from unread(variables)

    def variables(self, artifact: Artifact, machine: InstanceType | None) -> dict[str, str]:  # noqa: ARG002
        """Return what the options are called in the container."""
        given = self.model_dump(exclude={"name"}, exclude_none=True)
        return {f"SLIPWAY_{key.upper()}": str(value).lower() for key, value in given.items()}
