"""Time what Slipway builds against the original and against plain ONNX Runtime dynamic quantisation.

``python -m benchmarks.build [--seconds 6] [--threads 1]``, after ``slipway build``. All contenders of a shape are timed
in one process, once a round, in random order; each ratio is the median over the rounds of original / contender, with
its 25th and 75th percentile.

Plain dynamic quantisation is what optimum's ORTQuantizer does by default (``quantize_dynamic`` over the plain export,
int8 weights, one scale a matrix), called directly: optimum itself pins an old transformers. It is shown per channel
too, which is what it takes to pass the gate.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
import tempfile
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from model_build import metrics
from model_build.graph import Graph
from model_build.passes.benchmark import rounds
from model_build.passes.export import Export
from model_build.passes.load import Load
from model_build.passes.verify import Verify
from model_build.served import lay_out
from model_build.work import Work, present
from serving.model import Model
from slipway.specs import Project

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPES: dict[str, list[tuple[int, ...]]] = {
    "minilm": [(1, 16), (1, 128), (8, 16), (8, 128)],
    "digits": [(1, 1, 8, 8), (8, 1, 8, 8), (64, 1, 8, 8)],
}
ORIGINAL = "PyTorch eager"
OPSET = 18  # what the exporter gives without being asked


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", type=Path, default=Path())
    parser.add_argument("--seconds", type=float, default=6.0, help="for each shape")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    project = Project(given.project)
    for name, shapes in SHAPES.items():
        with tempfile.TemporaryDirectory() as scratch:
            compare(project, name, shapes, Path(scratch), given.seconds, given.threads)


def compare(
    project: Project, name: str, shapes: list[tuple[int, ...]], scratch: Path, seconds: float, threads: int
) -> None:
    work = load(project, name, scratch)
    torch.set_num_threads(threads)
    models = {label: Model.load(folder, threads=threads) for label, folder in contenders(project, name, work).items()}
    print(f"\n{name}, {threads} thread(s), torch {torch.__version__}; ratio to {ORIGINAL}, higher is faster")
    for label, model in models.items():
        print(f"  {label:<38}{quality(work, model)}")
    task = present(work.task)
    for shape in shapes:
        feeds = task.feeds(shape)
        calls: dict[str, Callable[[], Any]] = {ORIGINAL: partial(task.eager(), feeds)}
        calls.update({label: partial(model.run, feeds) for label, model in models.items()})
        show(shape, rounds(calls, seconds=seconds, least=15, most=400))


def load(project: Project, name: str, scratch: Path) -> Work:
    folder, source = project.source_of(name)
    work = Work(
        name=name,
        digest="0" * 64,
        spec=project.models[name],
        source_folder=folder,
        source=str(source.python),
        scratch=scratch,
        versions={},
        recipe="",
    )
    return Load().run(work)


def contenders(project: Project, name: str, work: Work) -> dict[str, Path]:
    """Return a folder as the server unpacks it for each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = Export(opset=OPSET).run(work)
    return {
        "slipway": unpack(project, name, work.scratch / "slipway"),
        "plain ONNX Runtime fp32": folder(plain, "plain"),
        "plain ORT dynamic int8 (optimum)": folder(quantized(plain, per_channel=False), "dynamic"),
        "plain ORT dynamic int8, per channel": folder(quantized(plain, per_channel=True), "per-channel"),
    }


def unpack(project: Project, name: str, target: Path) -> Path:
    if name not in project.lock.models:
        sys.exit(f"{name} was never built: run `slipway build {name}`")
    with tarfile.open(project.artifact_folder(name, project.lock.models[name].digest) / "model.tar.gz") as archive:
        archive.extractall(target, filter="data")
    return target


def quantized(work: Work, *, per_channel: bool) -> Work:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    into = work.scratch / f"quantized-{per_channel}"
    into.mkdir()
    model = present(work.graph).as_onnx()
    del model.graph.value_info[:]  # a Gemm's weight is transposed first, which its recorded shape would contradict
    quantize_dynamic(model, Graph(into).file, per_channel=per_channel, weight_type=QuantType.QInt8)
    return replace(work, graph=Graph(into))


def folder(work: Work, name: str) -> Path:
    scratch = work.scratch / name
    scratch.mkdir()
    samples = present(work.task).samples(work.spec, work.source_folder)
    return lay_out(replace(work, scratch=scratch), samples)[0]


def quality(work: Work, model: Model) -> str:
    samples = present(work.task).samples(work.spec, work.source_folder)
    batch = Verify().batch
    ours = [model.predict(samples.inputs[at : at + batch]) for at in range(0, len(samples.inputs), batch)]
    theirs = np.asarray(present(work.original).reference(samples.inputs))
    metric = work.spec.verify.metric
    measured = metrics.METRICS[metric](samples, theirs, np.concatenate(ours))
    details = "".join(f", {key} {value:.4f}" for key, value in measured.details.items())
    return f"{metric} {measured.value:.4f}{details}"


def show(shape: tuple[int, ...], times: dict[str, np.ndarray]) -> None:
    original = times[ORIGINAL]
    title = f"{'x'.join(map(str, shape))}: {ORIGINAL} {np.median(original) * 1000:.3f} ms, {len(original)} rounds"
    print(f"  {title}")
    for label, measured in times.items():
        if label != ORIGINAL:
            low, middle, high = np.percentile(original / measured, (25, 50, 75))
            print(f"    {label:<36}{middle:6.2f}  [{low:.2f}-{high:.2f}]  {np.median(measured) * 1000:9.3f} ms")


if __name__ == "__main__":
    main()
