from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from model_build.graph import link
from model_build.work import ShapingPass, Work, present

if TYPE_CHECKING:
    from pathlib import Path

    from model_build.graph import Graph


@dataclass(frozen=True)
class HandToCuda(ShapingPass):
    """Let ONNX Runtime compute the graph on the GPU: what remains where TensorRT cannot take a model."""

    version: ClassVar[int] = 1
    name: ClassVar[str] = "hand_to_cuda"

    def unfit(self, work: Work) -> str | None:  # noqa: ARG002  the machine's matter alone
        """Ask for kernels that compute on it."""
        import onnxruntime

        has = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
        return None if has else "the onnxruntime here has no kernels for CUDA (onnxruntime-gpu has)"

    def shape(self, work: Work, into: Path) -> Graph:
        """Return the graph as it is, for the other runtime."""
        graph = present(work.graph)
        for file in graph.files():
            link(file, into / file.name)
        return replace(graph, folder=into, runtime="onnxruntime-cuda")
