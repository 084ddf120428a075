from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from slipway.catalog import cuda_of, find_image, hosting_images, image_uri
from slipway.specs.base import Findings
from slipway.specs.servers.base import ServerSpec
from slipway.specs.servers.drivers import ami_on
from slipway.specs.servers.triton_files import protocol
from slipway.specs.servers.triton_files.archive import contents
from slipway.specs.servers.triton_files.refusals import unserved
from slipway.specs.servers.triton_files.repository import Repository, Wishes
from slipway.specs.suggest import did_you_mean
from slipway.specs.text import Distinct, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys
    from slipway.specs.manifest import ServedModel
    from slipway.specs.servers.base import Layout

REPOSITORY: Final = "sagemaker-tritonserver"
NEWEST: Final = "26.05"


def _published(version: str) -> str:
    known = [image.tag.partition("-")[0] for image in hosting_images()[REPOSITORY]]
    if version not in known:
        raise refuse(f"is not a version that AWS has an image of{did_you_mean(version, known)}")
    return version


Version = Annotated[str, AfterValidator(_published), Field(examples=[NEWEST])]
BatchSize = Annotated[int, Field(ge=1, le=4096)]


class Triton(ServerSpec):
    """NVIDIA's Triton Inference Server in SageMaker's image: a model repository made from the artifact."""

    hands_on: ClassVar[bool] = False

    name: Literal["triton"] = "triton"
    """This server."""
    version: Version = NEWEST
    """Of the image, as NVIDIA numbers it by year and month."""
    repository: Literal["ensemble", "python", "plain"] = "ensemble"
    """``ensemble``: tokeniser, graph and post-processing as models of their own, which Triton connects; ``python``: one
    model that does all with the code of our own server; ``plain``: the graph alone, tensors in and out, in AWS's image
    as it is. The first two need our own image, which adds a tokeniser and runtimes to AWS's."""
    max_batch: BatchSize = 64
    """Most inputs that are computed together, and most that a request may bring; no more than an engine's profile."""
    preferred_batch: Annotated[tuple[BatchSize, ...], Field(max_length=8), Distinct()] = ()
    """Sizes that are computed as soon as they are reached. Default: whatever has come."""
    max_queue_delay_us: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    """How long a request waits for others to be computed with, in microseconds. Default: not at all; what waits for a
    free instance is computed together anyway."""
    max_queue: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Most requests that wait for each model; the next are refused. Default: as many as come."""
    instances: Annotated[int, Field(ge=1, le=64)] = 1
    """Of the model on each machine, that compute side by side; on GPUs, of each; what it runs on is what the
    artifact was built for. Cores are shared out among them."""
    warm_up: bool = True
    """Whether every step answers a request before /ping says that the server is ready."""
    model_version: Annotated[int, Field(ge=1)] = 1
    """Number of the model's folder, which every answer tells."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        for index, size in enumerate(self.preferred_batch):
            if size > self.max_batch:
                message = f"{size} is more than 'max_batch', which is {self.max_batch}: raise that, or leave it out"
                findings.add(("preferred_batch", index), message)
        findings.refuse()
        return self

    def image(self, region: str, machine: InstanceType | None) -> str | None:
        """Return AWS's image, where nothing is added to it."""
        return self._aws(region, machine) if self.repository == "plain" else None

    def ami(self, region: str, machine: InstanceType | None) -> str | None:  # noqa: ARG002  the same everywhere
        """Return a system image whose driver is as new as the CUDA of the version; None on machines without a GPU."""
        if machine is None or not machine.gpus:
            return None
        return ami_on(cuda_of(REPOSITORY, find_image(REPOSITORY, self.version, "gpu").tag) or 0, machine)

    def build_arguments(self, region: str, machine: InstanceType | None) -> dict[str, str]:
        """Return AWS's image, which ours is built on."""
        return {"BASE": self._aws(region, machine)}

    def _aws(self, region: str, machine: InstanceType | None) -> str:
        gpu = machine is not None and bool(machine.gpus)
        return image_uri(REPOSITORY, self.version, region, "gpu" if gpu else "cpu")

    def problems(self, artifact: Artifact, machine: InstanceType | None) -> Iterator[tuple[Keys, str]]:  # noqa: ARG002
        """Say why Triton cannot serve an artifact so."""
        yield from unserved(artifact, self.repository)

    def variables(self, artifact: Artifact, machine: InstanceType | None) -> dict[str, str]:  # noqa: ARG002
        """Return the model that answers, and a log without lines for every request."""
        return {"SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": artifact.model, "SAGEMAKER_TRITON_LOG_VERBOSE": "false"}

    def layout(self, artifact: Artifact, machine: InstanceType | None) -> Layout | None:
        """Return the model repository; None of an artifact that `problems` refuses."""
        held = contents(artifact.archive)
        cores = None if machine is None else machine.vcpus
        return None if held is None else self.files(held.served, held.members, cores or 1)

    def request(self, served: ServedModel | None, inputs: list[Any]) -> Any:
        """Return tensors with their names; None of texts for a graph alone."""
        assert served is not None  # noqa: S101  it serves no language model's files
        return protocol.request(served, inputs, plain=self.repository == "plain")

    def answer(self, served: ServedModel | None, document: Any) -> Any:
        """Return the tensors of an answer as our own server's JSON."""
        assert served is not None  # noqa: S101  likewise
        return protocol.answer(served, document)

    def files(self, served: ServedModel, members: Sequence[str], cores: int) -> Layout:
        """Return the model repository of what a manifest describes.

        Args:
            served: What a server is told of the artifact.
            members: Names of its files.
            cores: Of the machine.
        """
        wishes = Wishes(
            max_batch=self.max_batch,
            preferred_batch=self.preferred_batch,
            max_queue_delay_us=self.max_queue_delay_us,
            max_queue=self.max_queue or 0,
            instances=self.instances,
            threads=max(1, cores // self.instances),
            version=self.model_version,
            warm_up=self.warm_up,
        )
        made = Repository(served, members, wishes)
        return {"ensemble": made.ensemble, "python": made.python, "plain": made.plain}[self.repository]()
