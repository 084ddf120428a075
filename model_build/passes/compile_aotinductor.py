from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from model_build.graph import Graph
from model_build.passes.export import dynamic_shapes
from model_build.work import ShapingPass, Work, present

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from model_build.tasks import Task

COMPILERS: Final = ("g++", "clang++")
MOST_INPUTS: Final = 1024
MOST_TOKENS: Final = 131_072


@dataclass(frozen=True)
class CompileAotInductor(ShapingPass):
    """Compile the original with PyTorch's own compiler, whose batch (and length) stay free.

    What it makes is C++ for this very processor, which PyTorch loads. The server has no PyTorch: it is a peer to time
    beside what is served, and never served.
    """

    version: ClassVar[int] = 1
    name: ClassVar[str] = "compile_aotinductor"

    def unfit(self, work: Work) -> str | None:
        """Ask for a C++ compiler, and for a network of PyTorch that is called once an answer."""
        from model_build.sources.onnx_module import without_layers

        if work.spec.task == "text-generation":
            return "a decoder is called once a token, with what it remembers: that is compiled by its own passes alone"
        if (reason := without_layers(present(work.original))) is not None:
            return reason
        named = os.environ.get("CXX")
        found = any(shutil.which(each) is not None for each in ((named,) if named else COMPILERS))
        return None if found else "AOTInductor writes C++, and this machine has no compiler for it"

    def shape(self, work: Work, into: Path) -> Graph:
        """Return the compiled model."""
        import torch
        from torch._inductor import aoti_compile_and_package
        from torch._inductor.utils import fresh_cache

        from model_build.tasks import with_module

        graph, task = Graph(into, "aotinductor"), with_module(present(work.task), work.module)
        with torch.inference_mode(), fresh_cache():  # else its own would grow in the machine's temporary folder
            aoti_compile_and_package(_program(task), package_path=str(graph.file))
        return graph


def _program(task: Task) -> torch.export.ExportedProgram:
    import torch

    traceable = task.traceable()
    feeds = task.feeds(task.example_shape())
    longest = int(getattr(task.original, "max_length", MOST_TOKENS))
    sizes = {
        "batch": torch.export.Dim("batch", min=1, max=MOST_INPUTS),
        "length": torch.export.Dim("length", min=2, max=longest),
    }
    tensors = tuple(torch.from_numpy(feeds[name]) for name in traceable.inputs)
    return torch.export.export(traceable.module, tensors, dynamic_shapes=dynamic_shapes(traceable, sizes))
