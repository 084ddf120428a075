"""What may be said of every server that runs one of SageMaker's inference toolkits for PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from slipway.specs.servers.base import ServerSpec
from slipway.specs.servers.toolkit import (
    INSTALL_SECONDS,
    RequirementsPath,
    ScriptPath,
    script_problems,
    threads_of,
    worker_problems,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys


class ToolkitServer(ServerSpec):
    """A server whose workers call the functions of an ``inference.py``."""

    workers: Annotated[int, Field(ge=1, le=512)] | None = None
    """Processes, each with the whole model, that answer one request at a time; absent: one for each vCPU, and of
    'huggingface' one for each GPU where there are any."""
    max_payload_mib: Annotated[int, Field(ge=1, le=1024)] = 25
    """Largest request and answer; the servers themselves would refuse 6.25 MiB, SageMaker 25."""
    script: ScriptPath | None = None
    """An ``inference.py`` of your own (model_fn and so on); absent: ours, which answers as 'onnxruntime' does; for a
    language model's files transformers' own pipeline."""
    requirements: RequirementsPath | None = None
    """Packages that your script needs, installed when a container starts; absent: none."""
    install: bool = True
    """Whether the container installs what our script needs when it starts, which takes a way to a package index;
    false where ``environment.images`` names an image that has it."""

    def installs(self, artifact: Artifact) -> bool:
        """Tell whether there is anything to install."""
        ours = self.install and self.script is None and artifact.locked.target != "llm"
        return ours or self.requirements is not None

    def least_startup_seconds(self, artifact: Artifact) -> int:
        """Return the time for packages, where there are any to install."""
        return INSTALL_SECONDS if self.installs(artifact) else 0

    def processes(self, machine: InstanceType | None) -> int:
        """Return how many workers there are on a machine."""
        return self.workers or (None if machine is None else machine.vcpus) or 1

    def own_problems(self, artifact: Artifact, machine: InstanceType | None) -> Iterator[tuple[Keys, str]]:
        """Say which workers do not fit, and what is wrong with the user's script."""
        yield from worker_problems(artifact, self.workers, machine)
        yield from script_problems(artifact, self.script, self.requirements)

    def told(self, machine: InstanceType | None) -> dict[str, str]:
        """Return the variables of any toolkit."""
        count = self.processes(machine)
        return {"SAGEMAKER_MODEL_SERVER_WORKERS": str(count)} | threads_of(count, machine)
