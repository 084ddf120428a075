"""Tiny seeded decoders: alike in nothing but what this project does with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from slipway.specs import Project

if TYPE_CHECKING:
    from pathlib import Path

WORDS = ("the", "red", "blue", "small", "boat", "car", "goes", "stops", "fast", "slowly", "here", "there", "now", "?")
VOCABULARY = ("[EOS]", "[UNK]", *WORDS, *(f"w{number}" for number in range(80)))
CONTEXT, MOST = 64, 16

LLAMA = """LlamaForCausalLM(LlamaConfig(
        vocab_size=96, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=True, initializer_range=0.1,
        bos_token_id=0, eos_token_id=0,
    ))"""
NEO = """GPTNeoForCausalLM(GPTNeoConfig(
        vocab_size=96, hidden_size=32, num_layers=2, attention_types=[[["global", "local"], 1]], num_heads=4,
        window_size=4, max_position_embeddings=64, initializer_range=0.1, bos_token_id=0, eos_token_id=0,
    ))"""
MODELS = {"llama": LLAMA, "neo": NEO}

SOURCE = """
from pathlib import Path

import torch
from transformers import GPTNeoConfig, GPTNeoForCausalLM, LlamaConfig, LlamaForCausalLM

from model_build import TextGenerator


def load():
    torch.manual_seed(5)
    module = {model}
    file = Path(__file__).parent / "tokenizer.json"
    return TextGenerator(
        module=module.eval(), tokenizer_file=file, context_length=64, eos=(0,), max_new_tokens=16
    )
"""

SPEC = """task: text-generation
source: {{python: source.py:load, packages: [transformers, tokenizers]}}
target: {target}
verify: {{data: prompts.txt, metric: {metric}, at_least: {at_least}}}
benchmark: {{batch: [1], sequence_length: [8]}}
"""


def write_tokenizer(path: Path) -> Path:
    numbers = {word: number for number, word in enumerate(VOCABULARY)}
    document = {
        "version": "1.0",
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "model": {"type": "WordLevel", "vocab": numbers, "unk_token": "[UNK]"},
        "added_tokens": [],
    }
    path.write_text(json.dumps(document))
    return path


def prompts() -> list[str]:
    """120 of them, of 1 to 10 tokens, all different."""
    words = VOCABULARY[2:]
    return [
        " ".join(words[(at * 7 + step * (at + 3)) % len(words)] for step in range(1 + at % 10)) for at in range(120)
    ]


def write_decoder(
    root: Path,
    kind: str,
    *,
    target: str = "cpu-fp32",
    metric: str = "kl_similarity",
    at_least: float = 0.98,
) -> Project:
    folder = root / "models" / kind
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder / "tokenizer.json")
    (folder / "prompts.txt").write_text("\n".join(prompts()))
    (folder / "source.py").write_text(SOURCE.format(model=MODELS[kind]))
    (folder / "model.yaml").write_text(SPEC.format(target=target, metric=metric, at_least=at_least))
    return Project(root)
