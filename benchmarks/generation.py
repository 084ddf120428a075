"""Decoders built from seeded configs: what a token costs against PyTorch with its own cache, recipe by recipe.

``python -m benchmarks.generation``: builds a Llama-like and a GPT-Neo-like model in a folder that is thrown away, and
prints what their manifests say.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from model_build import build
from slipway.specs import Manifest, Project

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


def main() -> int:
    """Build both and print."""
    with tempfile.TemporaryDirectory() as folder:
        for name, config in CONFIGS.items():
            _write(Path(folder) / "models" / name, config)
        for result in build(Project(Path(folder))):
            path = Project(Path(folder)).artifact_folder(result.name, result.digest) / "manifest.json"
            sys.stdout.writelines(_lines(Manifest.model_validate_json(path.read_bytes())))
    return 0


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


def _lines(manifest: Manifest) -> Iterator[str]:
    yield f"{manifest.served.name}: {manifest.archive.size_bytes} of {manifest.reference_bytes} bytes\n"
    yield f"  {manifest.proof.value} {manifest.proof.details}\n"
    for row in manifest.benchmark:
        spread = f"[{row.ratio_p25:.2f}-{row.ratio_p75:.2f}]"
        yield f"  {row.shape}: {row.ratio:.2f} {spread}, {row.p50_ms} ms against {row.reference_p50_ms} ms\n"
    for tried in manifest.tried:
        yield f"  {tried.recipe}: {tried.outcome}, kl_similarity {tried.value}, {tried.speedup} x, {tried.reason}\n"


if __name__ == "__main__":
    sys.exit(main())
