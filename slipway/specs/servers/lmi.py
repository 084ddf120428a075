"""Large Model Inference: DJL Serving with vLLM, on one GPU or on many of one machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from slipway.catalog import image_uri
from slipway.specs.servers.lmi_fitting import SERVER_SECONDS, degree_on, loading_seconds, misfits
from slipway.specs.servers.lmi_options import LmiOptions
from slipway.specs.servers.lmi_properties import option_variables, properties, settings
from slipway.specs.servers.texts import TextsSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys
    from slipway.specs.servers.base import Layout

FILE: Final = "serving.properties"
OFFLINE: Final = {"HF_HUB_OFFLINE": "1"}
"""All files are there; whatever asks for more is told at once."""
CUDA: Final = re.compile(r"-cu(\d{2})\d")
NEW_CUDA: Final = 13
NEW_DRIVER: Final = "al2023-ami-sagemaker-inference-gpu-4-1"
"""Driver 580. Source: botocore 1.43.106, ProductionVariant: InferenceAmiVersion."""


def ami_for(image: str) -> str | None:
    """Return a system image whose driver is as new as a container's CUDA; None where any will do."""
    cuda = CUDA.search(image)
    return NEW_DRIVER if cuda is not None and int(cuda[1]) >= NEW_CUDA else None


class Lmi(LmiOptions, TextsSpec):
    """DJL Serving with vLLM, in AWS's image: a language model on one GPU or on many of one machine."""

    speaks_chat: ClassVar[bool] = True
    own_variables: ClassVar[tuple[str, ...]] = (
        *("OPTION_", "HF_MODEL_ID", "HF_REVISION", "HF_TASK", "HF_TRUST_REMOTE_CODE"),
        *("TENSOR_PARALLEL_DEGREE", "PIPELINE_PARALLEL_DEGREE", "MODEL_LOADING_TIMEOUT", "PREDICT_TIMEOUT"),
    )

    name: Literal["lmi"]
    """Large Model Inference."""

    def image(self, region: str, machine: InstanceType | None) -> str:  # noqa: ARG002  one for all GPUs
        """Return AWS's image of the version.

        Raises:
            NoImageError: If the region has none.
        """
        return image_uri("djl-lmi", self.version, region)

    def ami(self, region: str, machine: InstanceType | None) -> str | None:
        """Return a system image whose driver is as new as the container's CUDA."""
        return ami_for(self.image(region, machine))

    def problems(self, artifact: Artifact, machine: InstanceType | None) -> Iterator[tuple[Keys, str]]:
        """Yield why it cannot serve an artifact on a machine."""
        if machine is None:
            yield (), "'lmi' needs an NVIDIA GPU, and serverless has none: use kind: realtime"
            return
        yield from misfits(self, artifact, machine)

    def told(self, artifact: Artifact, machine: InstanceType | None) -> dict[str, str]:
        """Return every option that the container is told, by LMI's name."""
        language = artifact.locked.language
        assert language is not None  # noqa: S101  else it has problems
        assert machine is not None  # noqa: S101  likewise
        return settings(
            self,
            degree=degree_on(self, language, machine) or 1,
            loading_seconds=loading_seconds(self, artifact),
            longest=self.max_model_len or language.max_model_len,
        )

    def variables(self, artifact: Artifact, machine: InstanceType | None) -> dict[str, str]:
        """Return the container's variables: its options too where its files stay in S3."""
        said = option_variables(self.told(artifact, machine)) if artifact.locked.read_at is not None else {}
        return {**OFFLINE, **said}

    def told_in_files(self, artifact: Artifact, machine: InstanceType | None) -> dict[str, str]:
        """Return its options, as variables would say them."""
        return {} if artifact.locked.read_at is not None else option_variables(self.told(artifact, machine))

    def layout(self, artifact: Artifact, machine: InstanceType | None) -> Layout | None:
        """Return the model's files and what is laid beside them; None where they stay in S3."""
        language = artifact.locked.language
        if artifact.locked.read_at is not None or language is None:
            return None
        said = properties(self.told(artifact, machine)).encode("ascii")
        return {**{file: file for file in language.files}, FILE: said}

    def least_startup_seconds(self, artifact: Artifact) -> int:
        """Return how long the container must be waited for: longer than LMI itself waits for the model."""
        return loading_seconds(self, artifact) + SERVER_SECONDS
