from __future__ import annotations

from typing import ClassVar, Literal

from sagemaker_hosting.containers_endpoint import ContainersEndpoint


class PipelineEndpoint(ContainersEndpoint):
    """Define a serial inference pipeline: each request passes all containers, and the last one's answer is returned."""

    mode: ClassVar[Literal["Direct", "Serial"]] = "Serial"
