"""What distillation and pruning bring on the digits: accuracy over seeds, and speed, interleaved in one run.

``python -m benchmarks.shrink [--seeds 5] [--seconds 3]``. The original is models/digits, the student that of
models/digits-small. Accuracies are of the 450 held-out pictures, mean and standard deviation over seeds: of the first
weights, of the order, and of which labels are known. Ratios are medians over rounds in random order, with quartiles.
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

from benchmarks.build import load, show
from model_build import Training
from model_build.passes.benchmark import rounds
from model_build.passes.distill import Distill
from model_build.passes.export import Export
from model_build.passes.optimize import Optimize
from model_build.passes.prune import Prune
from model_build.passes.quantize_static import QuantizeStatic
from model_build.passes.verify import Verify
from model_build.student import with_student
from model_build.work import Work, present
from serving.model import Model
from slipway.specs import Project

if TYPE_CHECKING:
    from collections.abc import Callable

ORIGINAL = "PyTorch eager"
FEW = 50
SHARES = (0.5, 0.25, 0.1, 0.05)
SHAPES = ((1, 1, 8, 8), (8, 1, 8, 8), (64, 1, 8, 8))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", type=Path, default=Path())
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each shape")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work = load(Project(given.project), "digits-small", Path(scratch))
        print(f"one thread, torch {torch.__version__}; the original: {accuracy(work, work):.4f}")
        distillation(work, given.seeds)
        forms = {**pruning(work, given.seeds), **small(work)}
        speed(work, forms, given.seconds)


def distillation(work: Work, seeds: int) -> None:
    print("\ndistillation, held-out accuracy")
    whole: Training = present(present(work.original).training)  # type: ignore[attr-defined]  # this task's has it
    for known in (len(whole.inputs), FEW):
        alone, taught = [], []
        for seed in range(seeds):
            few = labelled(whole, known, seed)
            own = {"teacher_share": 0.0, "batch": 64 if known > FEW else 16, "epochs": 40 if known > FEW else 200}
            alone.append(accuracy(work, distilled(with_training(work, few), seed, **own)))
            rest = np.full(len(whole.inputs), -1)
            rest[order(whole, seed)[:known]] = few.labels
            taught.append(accuracy(work, distilled(with_training(work, replace(whole, labels=rest)), seed)))
        print(f"  {known:>5} labels: student alone {spread(alone)}, taught by the original {spread(taught)}")


def pruning(work: Work, seeds: int) -> dict[str, Work]:
    print("\npruning, held-out accuracy")
    forms = {}
    for share in SHARES:
        options = {**present(work.spec.prune).model_dump(), "flops": share}
        found = [Prune(**{**options, "seed": seed}).run(anew(work)) for seed in range(seeds)]
        print(f"  {share:>5} of the multiplications: {spread([accuracy(work, each) for each in found])}")
        forms[f"pruned to {share}"] = found[0]
    return forms


def small(work: Work) -> dict[str, Work]:
    taught = distilled(work, 0)
    return {"distilled": taught, "distilled, pruned": Prune(**present(work.spec.prune).model_dump()).run(taught)}


def speed(work: Work, forms: dict[str, Work], seconds: float) -> None:
    models = {}
    for name, form in {"the original": work, **forms}.items():
        exact = Optimize().run(Export().run(anew(form)))
        for precision, shaped in (("fp32", exact), ("int8", QuantizeStatic().run(exact))):
            models[f"{name}, {precision}"] = served(shaped)
    print(f"\nONNX Runtime; ratio to {ORIGINAL}, higher is faster")
    for name, (model, value) in models.items():
        print(f"  {name:<26} accuracy {value:.4f}, {sum(map(len, weights(model))):>9,} bytes")
    task = present(work.task)
    for shape in SHAPES:
        feeds = task.feeds(shape)
        calls: dict[str, Callable[[], Any]] = {ORIGINAL: partial(task.eager(), feeds)}
        calls.update({name: partial(model[0].run, feeds) for name, (model, _) in models.items()})
        show(shape, rounds(calls, seconds=seconds, least=15, most=400))


def served(work: Work) -> tuple[tuple[Model, Path], float]:
    judged = Verify(min_samples=1)
    laid_out = judged.laid_out(judged.questioned(anew(work)))
    folder = present(laid_out.served)
    return (Model.load(folder, threads=1), folder), judged.measure(laid_out).value


def weights(model: tuple[Model, Path]) -> list[bytes]:
    return [path.read_bytes() for path in model[1].glob("model.*")]


def distilled(work: Work, seed: int, **options: Any) -> Work:
    wanted = present(work.spec.distill).model_copy(update={"seed": seed, **options})
    given = replace(anew(work), spec=work.spec.model_copy(update={"distill": wanted}))
    return Distill(**wanted.model_dump()).run(with_student(given))


def anew(work: Work) -> Work:
    return replace(work, scratch=Path(tempfile.mkdtemp(dir=work.scratch)))


def with_training(work: Work, training: Training) -> Work:
    original: Any = present(work.original)
    return replace(work, original=replace(original, training=training))


def labelled(whole: Training, count: int, seed: int) -> Training:
    chosen = order(whole, seed)[:count]
    return Training(inputs=np.asarray(whole.inputs)[chosen], labels=np.asarray(whole.labels)[chosen])


def order(whole: Training, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(len(whole.inputs))


def accuracy(work: Work, form: Work) -> float:
    original: Any = present(work.original)
    with torch.inference_mode():
        answers = (form.module or original.module)(torch.from_numpy(original.held_out))
    return float((answers.argmax(1).numpy() == original.held_out_labels).mean())


def spread(values: list[float]) -> str:
    return f"{np.mean(values) * 100:.2f} ± {np.std(values) * 100:.2f} %"


if __name__ == "__main__":
    main()
