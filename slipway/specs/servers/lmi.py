"""Large Model Inference: DJL Serving with vLLM, on one GPU or on many of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

from pydantic import Field

from slipway.specs.servers.lmi_fitting import SERVER_SECONDS, degree_on, loading_seconds, misfits
from slipway.specs.servers.lmi_image import LmiImage
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


class Lmi(LmiOptions, TextsSpec, LmiImage):
    """DJL Serving with vLLM, in AWS's image: a language model on one GPU or on many of one machine."""

    speaks_chat: ClassVar[bool] = True
    own_variables: ClassVar[tuple[str, ...]] = (
        *("OPTION_", "HF_MODEL_ID", "HF_REVISION", "HF_TASK", "HF_TRUST_REMOTE_CODE"),
        *("TENSOR_PARALLEL_DEGREE", "PIPELINE_PARALLEL_DEGREE", "MODEL_LOADING_TIMEOUT", "PREDICT_TIMEOUT"),
        *("JOB_QUEUE_SIZE", "SERVING_JOB_QUEUE_SIZE"),
    )

    name: Literal["lmi"]
    """Large Model Inference."""
    job_queue_size: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Requests that wait; beyond them callers get 503. Absent: DJL's, 1000."""

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
        if artifact.locked.read_at is None:
            return dict(OFFLINE)
        server = {f"SERVING_{name.upper()}": value for name, value in self._of_server().items()}
        return {**OFFLINE, **option_variables(self.told(artifact, machine)), **server}

    def told_in_files(self, artifact: Artifact, machine: InstanceType | None) -> dict[str, str]:
        """Return its options, as variables would say them."""
        return {} if artifact.locked.read_at is not None else option_variables(self.told(artifact, machine))

    def _of_server(self) -> dict[str, str]:
        """Return what DJL Serving itself is told, whatever its handler is."""
        return {} if self.job_queue_size is None else {"job_queue_size": str(self.job_queue_size)}

    def layout(self, artifact: Artifact, machine: InstanceType | None) -> Layout | None:
        """Return the model's files and what is laid beside them; None where they stay in S3."""
        language = artifact.locked.language
        if artifact.locked.read_at is not None or language is None:
            return None
        said = properties(self.told(artifact, machine), self._of_server()).encode("ascii")
        return {**{file: file for file in language.files}, FILE: said}

    def least_startup_seconds(self, artifact: Artifact) -> int:
        """Return how long the container must be waited for: longer than LMI itself waits for the model."""
        return loading_seconds(self, artifact) + SERVER_SECONDS
