from __future__ import annotations

from typing import ClassVar, Literal

from sagemaker_hosting.containers_endpoint import ContainersEndpoint


class MultiContainerEndpoint(ContainersEndpoint):
    """Define a multi-container endpoint: each request names the container that answers (TargetContainerHostname)."""

    mode: ClassVar[Literal["Direct", "Serial"]] = "Direct"
