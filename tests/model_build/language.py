"""Tiny language models from seeded configs, saved as transformers saves them."""

from __future__ import annotations

import copy
from functools import cache
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
PROMPTS = [
    " ".join(WORDS[(start + step * at) % len(WORDS)] for at in range(4)) for start in range(14) for step in range(1, 6)
]
"""Words at equal distances: what follows is certain, for a model that learnt it."""
LLAMA: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 64,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
}


@cache
def _trained(**config: Any) -> Any:
    """Return a Llama that was taught to go on at the same distance."""
    torch.manual_seed(11)
    module: Any = LlamaForCausalLM(LlamaConfig(**LLAMA | config))
    starts, steps = torch.meshgrid(torch.arange(14), torch.arange(1, 6), indexing="ij")
    texts = (starts.reshape(-1, 1) + steps.reshape(-1, 1) * torch.arange(24)) % 14 + 2  # after [PAD] and [UNK]
    optimizer = torch.optim.AdamW(module.parameters(), lr=3e-3)
    for _ in range(120):
        logits = module(input_ids=texts, use_cache=False).logits
        loss: Any = torch.nn.functional.cross_entropy(logits[:, 1:-1].flatten(0, 1), texts[:, 2:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return module.eval()


def save_llama(folder: Path, *, dtype: torch.dtype = torch.bfloat16, shard: str = "60KB", **config: Any) -> None:
    """Write the folder of a small Llama that learnt something, in several files."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    module = copy.deepcopy(_trained(**config))
    torch.set_num_threads(threads)
    module.to(dtype).save_pretrained(folder, max_shard_size=shard)
    save_tokenizer(folder)


def network() -> Any:
    """Return a small Llama that learnt nothing, and is sure of what it says all the same."""
    torch.manual_seed(1)
    module: Any = LlamaForCausalLM(LlamaConfig(**LLAMA, initializer_range=0.4))
    return module.eval()


def words() -> Tokenizer:
    """Return its tokenizer."""
    vocabulary = {word: number for number, word in enumerate(("[PAD]", "[UNK]", *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106  no password
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def save_tokenizer(folder: Path) -> None:
    wrapper: Any = PreTrainedTokenizerFast
    wrapper(tokenizer_object=words(), unk_token="[UNK]").save_pretrained(folder)  # noqa: S106


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
