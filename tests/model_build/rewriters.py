"""Tiny seeded encoder-decoders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.specs import Project
from tests.model_build.decoders import SPEC, prompts, write_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

T5 = """T5ForConditionalGeneration(T5Config(
        vocab_size=96, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, relative_attention_num_buckets=8,
        relative_attention_max_distance=16, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
        initializer_factor=2.0,
    ))"""
MARIAN = """MarianMTModel(MarianConfig(
        vocab_size=96, d_model=32, encoder_layers=2, decoder_layers=1, encoder_attention_heads=4,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=64,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0, forced_eos_token_id=None, init_std=0.4,
    ))"""
MODELS = {"t5": T5, "marian": MARIAN}
SOURCE = """
from pathlib import Path

import torch
from transformers import MarianConfig, MarianMTModel, T5Config, T5ForConditionalGeneration

from model_build import TextRewriter


def load():
    torch.manual_seed(5)
    module = {model}
    file = Path(__file__).parent / "tokenizer.json"
    return TextRewriter(
        module=module.eval(), tokenizer_file=file, context_length=32, start=0, eos=(1,), max_new_tokens=16
    )
"""


def write_rewriter(root: Path, kind: str, *, target: str = "cpu-fp32", at_least: float = 0.98) -> Project:
    folder = root / "models" / kind
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder / "tokenizer.json")
    (folder / "prompts.txt").write_text("\n".join(prompts()))
    (folder / "source.py").write_text(SOURCE.format(model=MODELS[kind]))
    (folder / "model.yaml").write_text(SPEC.format(target=target, metric="kl_similarity", at_least=at_least))
    return Project(root)
