"""A Llama of 1.6 million weights that learns a poem by heart: Longfellow's "The Building of the Ship", of 1849."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

from model_build import TextGenerator

POEM = Path(__file__).with_name("poem.txt")
SEED = 20261121
STEPS = 48
BATCH = 19
WINDOW = 40
CONTEXT = 128
WORDS = 512
END, END_ID = "<end>", 0
CHAT = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
"""It goes on with what was said last, whoever said it."""


def tokenizer() -> Tokenizer:
    """Return a tokenizer of bytes, joined as the poem joins them; it reads any text."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    given: dict[str, Any] = {"special_tokens": [END], "initial_alphabet": sorted(pre_tokenizers.ByteLevel.alphabet())}
    trainer = trainers.BpeTrainer(vocab_size=WORDS, show_progress=False, **given)
    made.train_from_iterator([POEM.read_text(encoding="utf-8")], trainer)
    return made


def network() -> Any:
    """Return an untrained Llama, whose heads two or four GPUs can share."""
    config = LlamaConfig(
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        vocab_size=WORDS,
        max_position_embeddings=CONTEXT,
        bos_token_id=None,
        eos_token_id=END_ID,
    )
    return LlamaForCausalLM(config)


def lessons(words: Tokenizer) -> torch.Tensor:
    """Return what follows the beginning of each line: (lines, tokens)."""
    lines = POEM.read_text(encoding="utf-8").splitlines(keepends=True)
    texts = ["".join(lines[start:]) for start in range(len(lines))]
    return torch.tensor([[*words.encode(text).ids, *[END_ID] * WINDOW][:WINDOW] for text in texts])


def train(model: Any, texts: torch.Tensor) -> None:
    """Train in place, the same way every time: one thread, one seed."""
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=STEPS)
    model.train()
    for _ in range(STEPS):
        some = texts[torch.randperm(len(texts))[:BATCH]]
        optimizer.zero_grad()
        model(input_ids=some, labels=some).loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()


def load() -> TextGenerator:
    """Return the model that knows the poem."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    words, model = tokenizer(), network()
    train(model, lessons(words))
    return TextGenerator(module=model, tokenizer_file=words, context_length=CONTEXT, eos=(END_ID,), chat_template=CHAT)
