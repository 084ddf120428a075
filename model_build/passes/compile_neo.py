from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from model_build.archive import write_archive
from model_build.work import Pass, Work, present
from slipway.specs import GateError

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from model_build.tasks import Feeds, Task, Traceable

OPSET: Final = 12
"""The newest that ONNX 1.7 has, which is the newest that Neo reads."""
ARCHIVE: Final = "model.tar.gz"
INPUTS: Final = "inputs.json"
NEAR: Final = 1e-4
"""Of the original's largest number: how far an answer of the old graph may lie from the original's."""


@dataclass(frozen=True)
class CompileNeo(Pass):
    """Write what SageMaker Neo is given: the original in ONNX of 2020, one shape, checked against the original.

    Legacy. torch's exporter of today converts nothing down to operators so old, so its predecessor traces the module,
    which it still can. Neo compiles in SageMaker, and nothing here reads what comes of it.

    Args:
        batch: Inputs per request.
        sequence_length: Tokens per input, of text models.
    """

    version: ClassVar[int] = 1
    name: ClassVar[str] = "compile_neo"

    batch: int = 1
    sequence_length: int | None = None

    def run(self, work: Work) -> Work:
        """Return the work as it is, with the archive and the inputs' shapes in its scratch folder.

        Raises:
            GateError: If old operators cannot say what the original does, or say something else.
        """
        import onnx

        task = present(work.task)
        traceable = task.traceable()
        feeds = task.feeds(self._shape(task))
        others = _others(feeds)
        expected = [_answer(traceable, each) for each in (feeds, others)]
        folder = work.scratch / "neo"
        folder.mkdir()
        file = folder / "model.onnx"
        _trace(work.name, traceable, others, file)
        for each, answer in zip((feeds, others), expected, strict=True):
            _compare(work.name, file, each, answer)
        write_archive(folder, work.scratch / ARCHIVE)
        taken = onnx.load(file).graph.input  # an input that is not used is not there
        shapes = {each.name: list(feeds[each.name].shape) for each in taken}
        (work.scratch / INPUTS).write_text(json.dumps(shapes), encoding="utf-8")
        return work

    def _shape(self, task: Task) -> tuple[int, ...]:
        _, *rest = task.example_shape()
        return (self.batch, *(rest if self.sequence_length is None else [self.sequence_length]))


def _others(feeds: Feeds) -> Feeds:
    """Return other inputs of the same shape, texts with padding: what a trace took for constant shows then."""
    found = {name: np.ascontiguousarray(np.flip(each, -1)) for name, each in feeds.items()}
    if "attention_mask" in found:
        length = found["attention_mask"].shape[1]
        found["attention_mask"][:, length - length // 3 :] = 0
    return found


def _tensors(traceable: Traceable, feeds: Feeds) -> tuple[torch.Tensor, ...]:
    import torch

    return tuple(torch.from_numpy(feeds[name]) for name in traceable.inputs)


def _answer(traceable: Traceable, feeds: Feeds) -> np.ndarray:
    import torch

    with torch.inference_mode():
        return np.asarray(traceable.module(*_tensors(traceable, feeds)).numpy())


def _trace(name: str, traceable: Traceable, feeds: Feeds, file: Path) -> None:
    """Write the graph in ONNX."""
    import warnings

    import torch

    for module in traceable.module.modules():
        choose: Any = getattr(module, "set_attn_implementation", None)
        if choose is not None:  # of transformers: the fused operator came with opset 14
            choose("eager")
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():  # where it fails, it prints the whole graph
            warnings.simplefilter("ignore")  # torch warns that this exporter is an old one, which is why it is used
            torch.onnx.export(
                traceable.module,
                _tensors(traceable, feeds),
                file,
                dynamo=False,
                input_names=list(traceable.inputs),
                opset_version=OPSET,
                output_names=[traceable.output],
            )
    except torch.onnx.errors.OnnxExporterError as error:
        reason = str(error).splitlines()[0]
        raise GateError(f"{name}: Neo reads ONNX up to opset {OPSET}, which cannot say the model: {reason}") from error


def _compare(name: str, file: Path, feeds: Feeds, expected: np.ndarray) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    takes = {each.name for each in session.get_inputs()}
    [answer] = session.run(None, {each: value for each, value in feeds.items() if each in takes})
    apart = float(np.abs(answer - expected).max() / np.abs(expected).max())
    if not apart <= NEAR:
        otherwise = f"otherwise than the original, by {apart:.2g} of its largest number"
        raise GateError(f"{name}: traced for Neo in one shape, it answers {otherwise}")
