"""NVIDIA's own server, where its image cannot run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from slipway.local_cloud.child import python_path
from slipway.local_cloud.hosts.base import Command, NoHostError
from slipway.local_cloud.hosts.environments import EnvironmentFailureError
from slipway.local_cloud.hosts.triton_program import program

if TYPE_CHECKING:
    from slipway.local_cloud.hosts.base import Contents

_IMAGE: Final = re.compile(r"(?:^|/)(?:sagemaker-tritonserver|slipway/triton):")


class TritonHost:
    """Runs the tritonserver that pytriton brings, started as the image's own script starts it.

    It is 2.51 with its python backend, and one for ONNX that is ours.
    """

    images = "sagemaker-tritonserver, slipway/triton:local"
    stand_in = "pytriton's tritonserver 2.51, whose ONNX models run in ONNX Runtime's Python"

    def serves(self, image: str) -> bool:
        """Tell whether it is AWS's image, or ours that is built on it."""
        return _IMAGE.search(image) is not None

    def prepare(self) -> None:
        """Make the server's environment, once a machine."""
        try:
            program()
        except EnvironmentFailureError as error:
            raise NoHostError(f"no tritonserver can be had on this machine: {error}") from error

    def command(self, contents: Contents, port: int) -> Command:
        """Return the process that starts the server and passes requests on to it."""
        ours = {"PYTHONPATH": python_path(), "SLIPWAY_MODEL_DIR": str(contents.models)}
        return Command(("slipway.local_cloud.hosts.triton_process", str(port)), {**contents.environment(), **ours})
