"""A checkpoint as transformers runs it, asked what it would say next."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np

TOGETHER: Final = 8
"""Texts that are read at once at most."""
SMALL_BYTES: Final = 256 << 20
FOLLOWED: Final = 16
"""Tokens of each prompt's continuation that are compared."""
MOST_NUMBERS: Final = 1 << 27
"""Of all logits of one model together: half a gigabyte. Many prompts of a large vocabulary are followed less far."""


@contextmanager
def loaded(folder: Path) -> Iterator[Any]:
    """Lend the model of a folder, in the type of its weights; it is gone after the block.

    What compressed-tensors packed is unpacked, and its activations are rounded as they will be: so the proof is of what
    the server computes, not of its weights alone.
    """
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype="auto"
    )
    try:
        yield model.eval()
    finally:
        del model
        gc.collect()  # modules hang in cycles, and the next model needs the room


def tokens_of(folder: Path, prompts: list[str], at_most: int) -> list[list[int]]:
    """Return the tokens of prompts as the model's own tokenizer makes them, cut at their beginning to a length."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return [[int(token) for token in tokenizer(prompt)["input_ids"]][-at_most:] for prompt in prompts]


def steps_for(prompts: int, vocabulary: int) -> int:
    """Return how many tokens of each continuation are compared."""
    return max(1, min(FOLLOWED, MOST_NUMBERS // (prompts * vocabulary)))


def continued(model: Any, prompts: list[list[int]], steps: int) -> list[list[int]]:
    """Return each prompt with what the model goes on with, always by its likeliest token."""
    import torch

    found = [list(prompt) for prompt in prompts]
    for places in _alike(prompts):
        tokens, past = torch.tensor([prompts[place] for place in places]), None
        for _ in range(steps):
            with _asking(model):
                answer = model(input_ids=tokens, past_key_values=past, use_cache=True)
            past, tokens = answer.past_key_values, answer.logits[:, -1].argmax(dim=1, keepdim=True)
            for place, token in zip(places, tokens[:, 0].tolist(), strict=True):
                found[place].append(int(token))
    return found


def next_logits(model: Any, texts: list[list[int]], steps: int) -> np.ndarray:
    """Return what stands before each of the last tokens: (texts, steps, vocabulary), float32.

    Both models read a text at once and in the same company, so that nothing but their weights tells them apart.
    """
    import numpy as np
    import torch

    rows: dict[int, np.ndarray] = {}
    for places in _alike(texts):
        with _asking(model):
            logits = model(input_ids=torch.tensor([texts[place] for place in places]), use_cache=False).logits
        rows |= zip(places, logits[:, -steps - 1 : -1].float().numpy(), strict=True)
    return np.stack([rows[place] for place in range(len(texts))])


def _alike(texts: list[list[int]]) -> Iterator[list[int]]:
    """Yield the places of texts of one length, a few at a time: there is no padding."""
    by_length: dict[int, list[int]] = {}
    for place, text in enumerate(texts):
        by_length.setdefault(len(text), []).append(place)
    for places in by_length.values():
        for at in range(0, len(places), TOGETHER):
            yield places[at : at + TOGETHER]


@contextmanager
def _asking(model: Any) -> Iterator[None]:
    """Give a small model one thread: a step is too little to divide, and threads would wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1 if sum(it.nbytes for it in model.parameters()) < SMALL_BYTES else before)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(before)
