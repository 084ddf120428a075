from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from slipway.catalog import image_uri
from slipway.specs.servers.base import ServerSpec
from slipway.specs.servers.toolkit import (
    INSTALL_SECONDS,
    RequirementsPath,
    ScriptPath,
    code,
    inference_py,
    script_problems,
    threads_of,
    unreadable,
    worker_problems,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys
    from slipway.specs.servers.base import Layout


class TorchServe(ServerSpec):
    """TorchServe with SageMaker's toolkit, in AWS's image of PyTorch 2.6, the last that there is."""

    ends: ClassVar[str | None] = "AWS ended the patches of its image on 2026-06-30, and TorchServe has no maintainers"

    name: Literal["torchserve"]
    """For scripts that are written for it."""
    version: Literal["2.6.0"] = "2.6.0"
    """Of PyTorch in the image; older ones got their last patch before."""
    workers: Annotated[int, Field(ge=1, le=512)] | None = None
    """Processes, each with the whole model, that answer one request at a time; absent: one for each vCPU."""
    timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    """After which a worker that has not answered is ended and started anew."""
    load_timeout_seconds: Annotated[int, Field(ge=10, le=3600)] = 120
    """After which a worker that has not loaded its model is ended and started anew."""
    queue: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Requests that wait for a worker; beyond it the answer is 503."""
    max_payload_mib: Annotated[int, Field(ge=1, le=1024)] = 25
    """Largest request and answer; TorchServe itself would refuse 6.25 MiB, SageMaker 25."""
    script: ScriptPath | None = None
    """An ``inference.py`` of your own (model_fn and so on); absent: ours, which answers as 'onnxruntime' does."""
    requirements: RequirementsPath | None = None
    """Packages that your script needs, installed when a container starts; absent: none."""
    install: bool = True
    """Whether the container installs what our script needs when it starts, which takes a way to a package index;
    false where ``environment.images`` names an image that has it."""

    def image(self, region: str, machine: InstanceType | None) -> str | None:
        """Return AWS's image for inference with PyTorch."""
        gpu = machine is not None and bool(machine.gpus)
        return image_uri("pytorch-inference", f"{self.version}-{'gpu' if gpu else 'cpu'}-py312", region)

    def problems(self, artifact: Artifact, machine: InstanceType | None) -> Iterator[tuple[Keys, str]]:
        """Say what it cannot read, what does not fit, and what is wrong with the user's script."""
        yield from unreadable(artifact, self.name)
        yield from worker_problems(artifact, self.workers, machine)
        yield from script_problems(artifact, self.script, self.requirements)

    def variables(self, artifact: Artifact, machine: InstanceType | None) -> dict[str, str]:  # noqa: ARG002
        """Return what the toolkit and TorchServe read."""
        size = str(self.max_payload_mib * 2**20)
        workers = self.workers if machine is None or self.workers is not None else machine.vcpus
        told = {
            "SAGEMAKER_MODEL_SERVER_TIMEOUT": str(self.timeout_seconds),
            "SAGEMAKER_MODEL_SERVER_WORKERS": str(workers or 1),
            "TS_DEFAULT_STARTUP_TIMEOUT": str(self.load_timeout_seconds),
            "TS_JOB_QUEUE_SIZE": str(self.queue),
            "TS_MAX_REQUEST_SIZE": size,
            "TS_MAX_RESPONSE_SIZE": size,
        }
        return told | threads_of(workers, machine)

    def layout(self, artifact: Artifact, machine: InstanceType | None) -> Layout | None:  # noqa: ARG002
        """Return the artifact's files with ``code/`` beside them."""
        return code(artifact, inference_py("transform_fn"), self.script, self.requirements, install=self.install)

    def least_startup_seconds(self, artifact: Artifact) -> int:  # noqa: ARG002
        """Return the time for packages and for one worker to load."""
        installs = self.install or self.requirements is not None
        return self.load_timeout_seconds + (INSTALL_SECONDS if installs else 0)
