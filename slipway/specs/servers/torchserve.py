from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from slipway.catalog import image_uri
from slipway.specs.servers.toolkit import code, inference_py, unreadable
from slipway.specs.servers.toolkit_server import ToolkitServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys
    from slipway.specs.servers.base import Layout


class TorchServe(ToolkitServer):
    """TorchServe with SageMaker's toolkit, in AWS's image of PyTorch 2.6, the last that there is."""

    ends: ClassVar[str | None] = "AWS ended the patches of its image on 2026-06-30, and TorchServe has no maintainers"

    name: Literal["torchserve"]
    """For scripts that are written for it."""
    version: Literal["2.6.0"] = "2.6.0"
    """Of PyTorch in the image; older ones got their last patch before."""
    timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    """After which a worker that has not answered is ended and started anew."""
    load_timeout_seconds: Annotated[int, Field(ge=10, le=3600)] = 120
    """After which a worker that has not loaded its model is ended and started anew."""
    queue: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Requests that wait for a worker; beyond it the answer is 503."""

    def image(self, region: str, machine: InstanceType | None) -> str | None:
        """Return AWS's image for inference with PyTorch."""
        gpu = machine is not None and bool(machine.gpus)
        return image_uri("pytorch-inference", f"{self.version}-{'gpu' if gpu else 'cpu'}-py312", region)

    def problems(self, artifact: Artifact, machine: InstanceType | None) -> Iterator[tuple[Keys, str]]:
        """Say what it cannot read, what does not fit, and what is wrong with the user's script."""
        yield from unreadable(artifact, self.name)
        yield from self.own_problems(artifact, machine)

    def variables(self, artifact: Artifact, machine: InstanceType | None) -> dict[str, str]:  # noqa: ARG002
        """Return what the toolkit and TorchServe read."""
        size = str(self.max_payload_mib * 2**20)
        return self.told(machine) | {
            "SAGEMAKER_MODEL_SERVER_TIMEOUT": str(self.timeout_seconds),
            "TS_DEFAULT_STARTUP_TIMEOUT": str(self.load_timeout_seconds),
            "TS_JOB_QUEUE_SIZE": str(self.queue),
            "TS_MAX_REQUEST_SIZE": size,
            "TS_MAX_RESPONSE_SIZE": size,
        }

    def variables_of_many(self) -> dict[str, str]:
        """Return what lets TorchServe load models at all.

        The toolkit means to say so in its file, and runs the line together with the next one.
        """
        return {"TS_ENABLE_MODEL_API": "true"}

    def layout(self, artifact: Artifact, machine: InstanceType | None) -> Layout | None:  # noqa: ARG002
        """Return the artifact's files with ``code/`` beside them."""
        return code(artifact, inference_py("transform_fn"), self.script, self.requirements, install=self.install)

    def least_startup_seconds(self, artifact: Artifact) -> int:
        """Return the time for packages and for one worker to load."""
        return self.load_timeout_seconds + super().least_startup_seconds(artifact)
