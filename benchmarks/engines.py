"""Compile the examples for GPUs that are not here, and judge the typed graphs on the processor.

``python -m benchmarks.engines``. For each precision: what the gate's metric comes to when ONNX Runtime computes the
typed graph as it is written, in float32 where the processor has nothing else. For each architecture: seconds that
TensorRT-RTX takes, size of the engine, and whether a second compilation gives the same bytes. Nothing here was run on
a GPU.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

from model_build.gpu_targets import on_gpu
from model_build.passes.compile_tensorrt import RTX_BUILDS_FOR
from model_build.passes.load import Load
from model_build.passes.verify import Verify
from model_build.trial import AS_WRITTEN
from model_build.work import ShapingPass, Work, present
from slipway.specs import Project
from slipway.specs.gpu import Gpu

PRECISIONS = ("fp16", "int8", "fp8", "fp32")


def main() -> None:
    warnings.simplefilter("ignore")  # torch's exporter warns about torch
    for name in ("minilm", "digits"):
        with tempfile.TemporaryDirectory() as scratch:
            measure(name, Path(scratch))


def measure(name: str, scratch: Path) -> None:
    project = Project(Path())
    started = Work.begin(project, name, scratch)
    asked, shaped = Verify().questioned(Load().run(started)), dict[str, Work]()
    print(f"\n## {name}\n\n| | on the processor |", " | ".join(f"SM {sm}" for sm in RTX_BUILDS_FOR), "|")
    print("|---|---|" + "---|" * len(RTX_BUILDS_FOR))
    for precision in PRECISIONS:
        cells = []
        for sm in RTX_BUILDS_FOR:
            *typed, engine = on_gpu(started.spec, Gpu.model_validate({"sm": sm}))[f"tensorrt-rtx-{precision}"]
            work = shape(asked, tuple(typed), shaped)
            cells.append(compiled(engine, work))
        print(f"| {precision} | {judged(work)} | {' | '.join(cells)} |", flush=True)


def shape(work: Work, passes: tuple[ShapingPass, ...], shaped: dict[str, Work]) -> Work:
    """Run passes, each chain once."""
    for step in passes:
        key = f"{work.recipe} > {step}"
        if key not in shaped:
            shaped[key] = replace(step.run(work), recipe=key)
        work = shaped[key]
    return work


def judged(work: Work) -> str:
    graph = replace(present(work.graph), options=AS_WRITTEN)
    folder = Path(tempfile.mkdtemp(dir=work.scratch))
    measured = Verify().measure(Verify().laid_out(replace(work, graph=graph, scratch=folder)))
    details = ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in measured.details.items())
    return f"{measured.value:.6f} ({details})"


def compiled(engine: ShapingPass, work: Work) -> str:
    reason = engine.unfit(work)
    if reason is not None:
        return "-"
    folders = [Path(tempfile.mkdtemp(dir=work.scratch)) for _ in range(2)]
    start = time.perf_counter()
    files = [engine.shape(work, folder).file.read_bytes() for folder in folders]
    seconds = (time.perf_counter() - start) / 2
    same = "" if files[0] == files[1] else ", **bytes differ**"
    return f"{seconds:.1f} s, {len(files[0]) / 1e6:.1f} MB{same}"


if __name__ == "__main__":
    main()
