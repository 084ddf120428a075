"""Time what Slipway keeps for each target against PyTorch and against the usual recipes, in one run.

``python -m benchmarks.build [MODEL…] [--seconds 10] [--threads 1]``; it builds all that it needs, about four minutes a
model at first. All contenders of a shape are timed in one process, once a round, in random order; each figure is the
median over the rounds of other / contender, with its 25th and 75th percentile.

What everything is held against: PyTorch eager, and AOTInductor in float32 (``torch.export`` and
``aoti_compile_and_package``, with free shapes), since eager alone is a weak baseline on some processors.

Plain dynamic quantisation is what optimum's ORTQuantizer does by default (``quantize_dynamic`` over the plain export,
int8 weights, one scale a matrix), called directly: optimum itself pins an old transformers. It is shown per channel
too, which is what it takes to pass the gate.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from model_build import metrics
from model_build.cache import Cache
from model_build.digest import versions
from model_build.graph import Graph
from model_build.machine import processor
from model_build.passes.benchmark import rounds
from model_build.passes.export import Export
from model_build.passes.load import Load
from model_build.passes.verify import Verify
from model_build.search import Search
from model_build.served import lay_out
from model_build.targets import recipes
from model_build.work import Work, present
from serving.model import Model
from slipway.specs import Project

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_build.tasks import Feeds

    Answer = Callable[[Feeds], np.ndarray]

SHAPES: dict[str, list[tuple[int, ...]]] = {
    "minilm": [(1, 16), (1, 128), (8, 16), (8, 128)],
    "digits": [(1, 1, 8, 8), (8, 1, 8, 8), (64, 1, 8, 8)],
}
EAGER, INDUCTOR = "PyTorch eager", "AOTInductor fp32"
OPSET = 18  # what the exporter gives without being asked


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(SHAPES), metavar="MODEL", help=f"of {', '.join(SHAPES)}")
    parser.add_argument("--project", type=Path, default=Path())
    parser.add_argument("--seconds", type=float, default=10.0, help="for each shape")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    for name in given.models:
        with tempfile.TemporaryDirectory() as scratch:
            compare(load(Project(given.project), name, Path(scratch)), given.project, given.seconds, given.threads)


def compare(work: Work, project: Path, seconds: float, threads: int) -> None:
    torch.set_num_threads(threads)
    task, answers = present(work.task), contenders(work, project, threads)
    print(f"\n{work.name}, {threads} thread(s), {processor()}, torch {torch.__version__}")
    for label, answer in answers.items():
        if isinstance(getattr(answer, "__self__", None), Model):
            print(f"  {label:<52}{quality(work, answer.__self__)}")  # type: ignore[attr-defined]
    for shape in SHAPES[work.name]:
        feeds = task.feeds(shape)
        calls: dict[str, Callable[[], Any]] = {label: partial(answer, feeds) for label, answer in answers.items()}
        show(shape, rounds(calls, seconds=seconds, least=15, most=400))


def load(project: Project, name: str, scratch: Path) -> Work:
    work = replace(Work.begin(project, name, scratch), versions=versions(project, name))
    return Verify().questioned(Load().run(work))


def contenders(work: Work, project: Path, threads: int) -> dict[str, Answer]:
    """Return what answers, by name: kept forms and usual recipes through the server's code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = Export(opset=OPSET).run(work)
        answers: dict[str, Answer] = {EAGER: present(work.task).eager(), INDUCTOR: inductor(work)}
        folders = kept(work, project)
    folders |= {
        "plain ONNX Runtime fp32": laid_out(plain, "plain"),
        "plain ORT dynamic int8 (optimum)": laid_out(quantized(plain, per_channel=False), "dynamic"),
        "plain ORT dynamic int8, per channel": laid_out(quantized(plain, per_channel=True), "per-channel"),
    }
    return answers | {label: Model.load(folder, threads=threads).run for label, folder in folders.items()}


def kept(work: Work, project: Path) -> dict[str, Path]:
    """Return what the searching targets keep on this machine, by target and recipe."""
    origin = {"files": Project(project).files_hash(work.name), "task": work.spec.task, "versions": work.versions}
    found = {}
    for target in ("cpu", "cpu-lossless"):
        spec = work.spec.model_copy(update={"target": target})
        own = replace(work, spec=spec, scratch=work.scratch / target)
        cache = Cache(project / ".slipway" / "cache" / work.name, origin, lambda _: None)
        search = Search(spec, recipes(spec), cache, lambda _: None)
        search.shape(own)
        chosen = search.choose(own)
        recipe = next(each.recipe for each in chosen.tried if each.outcome == "kept")
        found[f"slipway {target}: {recipe}"] = present(chosen.served)
    return found


def inductor(work: Work) -> Answer:
    """Return the original from tensors to answer, compiled ahead of time."""
    from torch._inductor import aoti_compile_and_package, aoti_load_package

    task = present(work.task)
    traceable, pooled = task.traceable(), work.spec.task == "sentence-embedding"
    names = list(traceable.inputs)
    if pooled and names[:2] != ["input_ids", "attention_mask"]:
        raise SystemExit(f"{work.name}: takes {names}, this pools by its second input as the mask")

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = traceable.module

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            output: torch.Tensor = self.module(*tensors)
            if not pooled:
                return torch.softmax(output, dim=1)
            mask = tensors[1][:, :, None].to(output.dtype)
            return torch.nn.functional.normalize((output * mask).sum(1) / mask.sum(1))

    dimensions = {name: torch.export.Dim(name, min=1 + at, max=512) for at, name in enumerate(("batch", "length"))}
    shapes = tuple({place: dimensions[it] for place, it in traceable.inputs[name].items()} for name in names)
    example = task.feeds(task.example_shape())
    with torch.inference_mode():
        tensors = tuple(torch.from_numpy(example[name]) for name in names)
        program = torch.export.export(Whole().eval(), tensors, dynamic_shapes=(shapes,))
        package = aoti_compile_and_package(program, package_path=str(work.scratch / "whole.pt2"))
        compiled = aoti_load_package(package)

    def answer(feeds: Feeds) -> np.ndarray:
        with torch.inference_mode():
            return np.asarray(compiled(*(torch.from_numpy(feeds[name]) for name in names)).numpy())

    np.testing.assert_allclose(answer(example), task.eager()(example), atol=1e-5)
    return answer


def quantized(work: Work, *, per_channel: bool) -> Work:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    into = work.scratch / f"quantized-{per_channel}"
    into.mkdir()
    model = present(work.graph).as_onnx()
    del model.graph.value_info[:]  # a Gemm's weight is transposed first, which its recorded shape would contradict
    quantize_dynamic(model, Graph(into).file, per_channel=per_channel, weight_type=QuantType.QInt8)
    return replace(work, graph=Graph(into))


def laid_out(work: Work, name: str) -> Path:
    scratch = work.scratch / name
    scratch.mkdir()
    return lay_out(replace(work, scratch=scratch), present(work.samples))[0]


def quality(work: Work, model: Model) -> str:
    samples, batch = present(work.samples), Verify().batch
    ours = [model.predict(samples.inputs[at : at + batch]) for at in range(0, len(samples.inputs), batch)]
    measured = metrics.METRICS[work.spec.verify.metric](samples, present(work.expected), np.concatenate(ours))
    details = "".join(f", {key} {value:.4f}" for key, value in measured.details.items() if not key.endswith("bound"))
    return f"{work.spec.verify.metric} {measured.value:.4f} (at least {measured.bound:.4f}){details}"


def show(shape: tuple[int, ...], times: dict[str, np.ndarray]) -> None:
    medians = ", ".join(f"{label} {np.median(times[label]) * 1000:.3f} ms" for label in (EAGER, INDUCTOR))
    print(f"  {'x'.join(map(str, shape))}: {medians}, {len(times[EAGER])} rounds; times faster than each")
    for label, measured in times.items():
        cells = "".join(f"{_ratio(times[other] / measured):>24}" for other in (EAGER, INDUCTOR))
        print(f"    {label:<52}{cells}{np.median(measured) * 1000:12.3f} ms")


def _ratio(ratios: np.ndarray) -> str:
    low, middle, high = np.percentile(ratios, (25, 50, 75))
    return f"{middle:.2f} [{low:.2f}-{high:.2f}]"


if __name__ == "__main__":
    main()
