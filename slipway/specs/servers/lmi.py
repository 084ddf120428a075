"""Large Model Inference: DJL Serving with vLLM, on one GPU or on many of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from slipway.specs.servers.lmi_fitting import SERVER_SECONDS, degree_on, loading_seconds, misfits
from slipway.specs.servers.lmi_options import LmiOptions
from slipway.specs.servers.lmi_properties import option_variables, properties, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys

FILE = "serving.properties"
OFFLINE = {"HF_HUB_OFFLINE": "1"}
"""All files are there; whatever asks for more is told at once."""


class Lmi(LmiOptions):
    """DJL Serving with vLLM, in AWS's image: a language model on one GPU or on many of one machine."""

    needs_gpu: ClassVar[bool] = True

    name: Literal["lmi"]

    def problems(self, artifact: Artifact, machine: InstanceType) -> Iterator[tuple[Keys, str]]:
        """Yield why it cannot serve an artifact on a machine."""
        yield from misfits(self, artifact, machine)

    def told(self, artifact: Artifact, machine: InstanceType) -> dict[str, str]:
        """Return every option that the container is told, by LMI's name."""
        language = artifact.locked.language
        assert language is not None  # noqa: S101  else it has problems
        return settings(
            self,
            degree=degree_on(self, language, machine) or 1,
            loading_seconds=loading_seconds(self, artifact),
            longest=self.max_model_len or language.max_model_len,
        )

    def variables(self, artifact: Artifact, machine: InstanceType) -> dict[str, str]:
        """Return the container's variables: its options too where its files stay in S3."""
        said = option_variables(self.told(artifact, machine)) if artifact.locked.read_at is not None else {}
        return {**OFFLINE, **said}

    def layout(self, artifact: Artifact, machine: InstanceType) -> dict[str, bytes] | None:
        """Return what is laid beside the model's files; None where they stay in S3."""
        if artifact.locked.read_at is not None:
            return None
        return {FILE: properties(self.told(artifact, machine)).encode("ascii")}

    def least_startup_seconds(self, artifact: Artifact) -> int:
        """Return how long the container must be waited for: longer than LMI itself waits for the model."""
        return loading_seconds(self, artifact) + SERVER_SECONDS
