from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model_build.graph import encoder_folder
from model_build.passes.export import dynamic_shapes, names, write
from model_build.work import ShapingPass, Work, present

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from model_build.graph import Graph
    from model_build.tasks import Feeds, Traceable


@dataclass(frozen=True)
class ExportDecoder(ShapingPass):
    """Trace a decoder with its cache into one ONNX graph, for reading prompts and for making tokens.

    An encoder, where there is one, becomes a graph of its own beside it.

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
        task = present(work.task)
        traceable, shape = task.traceable(), task.example_shape()
        if traceable.encoder is not None:
            batch, *_, text = shape
            encoder = encoder_folder(into)
            encoder.mkdir()
            self._exported(traceable.encoder, task.feeds((batch, text, 0)), encoder).describe()
        return self._exported(traceable, task.feeds(shape), into)

    def _exported(self, traceable: Traceable, feeds: Feeds, into: Path) -> Graph:
        import torch

        program = torch.onnx.export(
            _traced(traceable, feeds),
            (),
            input_names=list(traceable.inputs),
            output_names=[traceable.output, *traceable.more],
            opset_version=self.opset,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        return write(present(program), traceable, into)


def _traced(traceable: Traceable, feeds: Feeds) -> torch.export.ExportedProgram:
    """Trace with every size free that shall be; that none was fixed is looked at in the graph."""
    import torch

    free = torch.export.Dim.AUTO
    return torch.export.export(
        traceable.module,
        tuple(torch.from_numpy(feeds[name]) for name in traceable.inputs),
        dynamic_shapes=dynamic_shapes(traceable, dict.fromkeys(names(traceable), free)),
        strict=False,
    )
