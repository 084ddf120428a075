from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from slipway.specs.servers.base import ServerSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys

NO_GPU: Final = "which 'onnxruntime' does not use: write 'server: triton', or build it for 'target: cpu'"


class OnnxRuntime(ServerSpec):
    """Our own server: ONNX Runtime and OpenVINO on CPUs, from ``serving/``."""

    name: Literal["onnxruntime"]
    """Our own."""

    def problems(self, artifact: Artifact, machine: InstanceType | None) -> Iterator[tuple[Keys, str]]:
        """Say that it reads neither a language model's files nor an engine for a GPU."""
        if artifact.locked.target == "llm":
            yield (
                (),
                f"the artifact of '{artifact.model}' is a language model's files, which 'onnxruntime' does not read",
            )
        elif artifact.locked.target == "gpu" and machine is not None:
            yield (), f"the artifact of '{artifact.model}' needs a GPU, {NO_GPU}"
