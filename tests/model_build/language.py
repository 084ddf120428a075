"""Tiny language models from seeded configs, saved as transformers saves them."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from model_build.work import Work
from slipway.specs import Project
from tests.model_build.conftest import WORDS

if TYPE_CHECKING:
    from pathlib import Path

SPEC = """task: text-generation
source: {{huggingface: weights}}
target: llm
llm: {llm}
verify: {{{data}metric: {metric}, at_least: {at_least}}}
"""
PROMPTS = [" ".join(words) for words in product(*(WORDS[at : at + 2] for at in (0, 1, 3, 4, 6, 8)))]
LLAMA: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 64,
    "max_position_embeddings": 128,
    "initializer_range": 0.3,  # as decided as a trained one: otherwise every token is about as likely
    "pad_token_id": 0,
}


def save_llama(folder: Path, *, dtype: torch.dtype = torch.bfloat16, shard: str = "60KB", **config: Any) -> None:
    """Write the folder of a seeded Llama, in several files."""
    torch.manual_seed(11)
    module: Any = LlamaForCausalLM(LlamaConfig(**LLAMA | config))
    module.eval().to(dtype).save_pretrained(folder, max_shard_size=shard)
    save_tokenizer(folder)


def save_tokenizer(folder: Path) -> None:
    vocabulary = {word: number for number, word in enumerate(("[PAD]", "[UNK]", *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106  no password
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    wrapper: Any = PreTrainedTokenizerFast
    wrapper(tokenizer_object=tokenizer, unk_token="[UNK]").save_pretrained(folder)  # noqa: S106


def write_llm(
    root: Path, name: str = "tiny", llm: str = "{}", *, metric: str = "next_token_agreement", at_least: float = 0.5
) -> Path:
    """Write a model.yaml and its prompts, and return the model's folder; the weights are written by others."""
    folder = root / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    data = "" if llm == "{}" or "as-is" in llm or "instance" in llm else "data: prompts.txt, "
    (folder / "prompts.txt").write_text("\n".join(PROMPTS))
    (folder / "model.yaml").write_text(SPEC.format(llm=llm, data=data, metric=metric, at_least=at_least))
    return folder


def begin(root: Path, name: str = "tiny") -> Work:
    """Return the work on a model, whose scratch folder is new."""
    scratch = root / f"scratch-{name}"
    scratch.mkdir()
    return Work.begin(Project(root), name, scratch)
