"""TorchServe with SageMaker's toolkit for PyTorch, as its image has it."""

from __future__ import annotations

from slipway.local_cloud.hosts.toolkit import ToolkitHost


class TorchServeHost(ToolkitHost):
    """Runs the real ones, on the project's own torch."""

    def __init__(self) -> None:
        super().__init__(
            "torchserve",
            r"(?:^|/)pytorch-inference:2\.6\.\d+-",
            "pytorch-inference:2.6…",
            "TorchServe 0.12.0 and SageMaker's toolkit 2.0.25, on this project's torch",
        )
