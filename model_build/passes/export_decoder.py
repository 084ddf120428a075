from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model_build.passes.export import write
from model_build.work import ShapingPass, Work, present

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from model_build.graph import Graph
    from model_build.tasks import Task, Traceable


@dataclass(frozen=True)
class ExportDecoder(ShapingPass):
    """Trace a decoder with its cache into one ONNX graph, for reading prompts and for making tokens.

    It is traced by ``torch.export`` first: handed over as it is, torch.onnx tries several ways of tracing one after the
    other, which took 382 s instead of 10 for a GPT-Neo of 3 M parameters.

    Args:
        opset: Version of the ONNX operators. 23 is the first that has attention and rotary embedding as one operator.
    """

    version: ClassVar[int] = 1
    name: ClassVar[str] = "export_decoder"

    opset: int = 23

    def shape(self, work: Work, into: Path) -> Graph:
        """Return the model in ONNX."""
        import torch

        task = present(work.task)
        traceable = task.traceable()
        program = torch.onnx.export(
            _traced(task, traceable),
            (),
            input_names=list(traceable.inputs),
            output_names=[traceable.output, *traceable.more],
            opset_version=self.opset,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        return write(present(program), traceable, into)


def _traced(task: Task, traceable: Traceable) -> torch.export.ExportedProgram:
    """Trace with every size free that shall be; that none was fixed is looked at in the graph."""
    import torch

    feeds = task.feeds(task.example_shape())
    free = torch.export.Dim.AUTO
    return torch.export.export(
        traceable.module,
        tuple(torch.from_numpy(feeds[name]) for name in traceable.inputs),
        dynamic_shapes=(tuple(dict.fromkeys(places, free) for places in traceable.inputs.values()),),
        strict=False,
    )
