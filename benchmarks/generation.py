"""Decoders built from seeded configs: what a token costs, recipe by recipe, against PyTorch with its own cache.

``python -m benchmarks.generation [SECONDS]``: a Llama-like and a GPT-Neo-like model, in a folder that is thrown away.
Original and all recipes say the same number of tokens, once a round, in random order, in one process; each figure is
the median over the rounds of original / recipe, with its 25th and 75th percentile, the prompt's reading included.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from model_build.passes.benchmark import ORIGINAL, rounds
from model_build.passes.export_decoder import ExportDecoder
from model_build.passes.load import Load
from model_build.passes.verify import Verify
from model_build.speaking import answers
from model_build.targets import GENERATION
from model_build.tasks import weights_bytes
from model_build.work import Work, present
from serving.model import Model
from slipway.specs import Project

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = ("[EOS]", "[UNK]", *(f"w{number}" for number in range(8014)))
CONFIGS = {
    "llama": """LlamaForCausalLM(LlamaConfig(
        vocab_size=8016, hidden_size=256, intermediate_size=1024, num_hidden_layers=6, num_attention_heads=16,
        num_key_value_heads=8, max_position_embeddings=256, tie_word_embeddings=True, initializer_range=0.05))""",
    "neo": """GPTNeoForCausalLM(GPTNeoConfig(
        vocab_size=8016, max_position_embeddings=256, hidden_size=256, num_layers=6, num_heads=8, window_size=4,
        attention_types=[[["global", "local"], 3]], initializer_range=0.05, bos_token_id=0, eos_token_id=0))""",
}
SOURCE = """from pathlib import Path

import torch
from transformers import GPTNeoConfig, GPTNeoForCausalLM, LlamaConfig, LlamaForCausalLM

from model_build import TextGenerator


def load():
    torch.manual_seed(5)
    module = {config}
    file = Path(__file__).parent / "tokenizer.json"
    return TextGenerator(module=module.eval(), tokenizer_file=file, context_length=256, eos=(0,))
"""
SPEC = """task: text-generation
source: {python: source.py:load, packages: [transformers, tokenizers]}
target: cpu
verify: {data: prompts.txt, metric: kl_similarity, at_least: 0.98}
benchmark: {batch: [1], sequence_length: [16, 128]}
"""


def main(seconds: float = 30.0) -> int:
    """Shape, judge and time both models in each form, and print."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for name, config in CONFIGS.items():
            root = Path(folder) / name
            _write(root / "models" / name, config)
            (root / "scratch").mkdir()
            asked = Verify().questioned(Load().run(Work.begin(Project(root), name, root / "scratch")))
            sys.stdout.write(f"{name}: {weights_bytes(present(asked.original).module)} bytes\n")
            sys.stdout.writelines(_lines(asked, seconds))
    return 0


def _lines(asked: Work, seconds: float) -> Iterator[str]:
    forms: dict[str, Work] = {}
    exported = ExportDecoder().run(asked)
    for recipe in GENERATION:
        reason = next((it for it in (step.unfit(asked) for step in recipe.passes) if it is not None), None)
        if reason is not None:
            yield f"  {recipe.name}: {reason}\n"
            continue
        work = replace(exported, scratch=asked.scratch / recipe.name)
        for step in recipe.passes[1:]:  # the first is the export
            work = step.run(work)
        forms[recipe.name] = Verify().laid_out(work)
        yield _judged(recipe.name, forms[recipe.name])
    yield from _timed(asked, forms, seconds)


def _judged(name: str, work: Work) -> str:
    found = Verify().measure(work)
    told = ("next_token_agreement", "same_text", "perplexity_difference")
    details = [f"{key} {found.details[key]:.4f} ({found.details[f'{key}_bound']:.4f})" for key in told]
    size = present(work.graph).size_bytes
    return f"  {name}: {size} bytes, kl_similarity {found.value:.6f} ({found.bound:.6f}), {', '.join(details)}\n"


def _timed(asked: Work, forms: dict[str, Work], seconds: float) -> Iterator[str]:
    """Time all forms with the original, in turns."""
    spoken = {
        name: list(answers(present(asked.task), Model.load(present(work.served), threads=1), asked.spec))
        for name, work in forms.items()
    }
    for shape, *at_shape in zip([it[0] for it in next(iter(spoken.values()))], *spoken.values(), strict=True):
        calls = {name: calls["artifact"] for name, (_, calls, _) in zip(forms, at_shape, strict=True)}
        calls[ORIGINAL] = at_shape[0][1][ORIGINAL]
        times, steps = rounds(calls, seconds=seconds, least=9, most=1000), at_shape[0][2]
        own = np.median(times[ORIGINAL]) / steps * 1000
        yield f"  {shape}: original {own:.3f} ms a token, {len(times[ORIGINAL])} rounds\n"
        for name in forms:
            low, middle, high = np.percentile(times[ORIGINAL] / times[name], (25, 50, 75))
            each = np.median(times[name]) / steps * 1000
            yield f"    {name}: {middle:.2f} [{low:.2f}-{high:.2f}], {each:.3f} ms a token\n"


def _write(folder: Path, config: str) -> None:
    folder.mkdir(parents=True)
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"}
    tokenizer = {"version": "1.0", "pre_tokenizer": {"type": "WhitespaceSplit"}, "model": model, "added_tokens": []}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    prompts = [" ".join(WORDS[2 + at * 50 + step] for step in range(3 + at % 6)) for at in range(128)]
    (folder / "prompts.txt").write_text("\n".join(prompts), encoding="utf-8")
    (folder / "source.py").write_text(SOURCE.format(config=config), encoding="utf-8")
    (folder / "model.yaml").write_text(SPEC, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:])))
