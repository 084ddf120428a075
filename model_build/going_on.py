"""What an untouched language model goes on with: texts, for holding the answers of its endpoints against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from slipway.specs import ANSWER_TOKENS

if TYPE_CHECKING:
    from pathlib import Path

    from model_build.work import Work

ANY_PROMPTS: Final = ["Once upon a time", "The ship", "In the beginning", "It was"]
"""Where a model's spec names none: any text can be gone on with."""


def prompts(work: Work) -> list[str]:
    """Return the lines of the model's data file that are not empty; without one, a few that suit any model."""
    if work.spec.verify.data is None:
        return ANY_PROMPTS
    file = work.source_folder / work.spec.verify.data
    return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip() != ""]


@dataclass(frozen=True)
class Answers:
    """What a model said.

    Args:
        texts: To each prompt as it is.
        chats: To each prompt as what a user says first in a chat; none where the tokenizer has no template.
    """

    texts: list[str]
    chats: list[str]


def answers(folder: Path, asked: list[str]) -> Answers:
    """Return what a checkpoint's model says, always its likeliest token, until it ends or has said enough."""
    from transformers import AutoTokenizer

    from model_build.language_model import loaded

    words: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    with loaded(folder) as model:
        texts = [_said(model, words, words(prompt)["input_ids"]) for prompt in asked]
        if words.chat_template is None:
            return Answers(texts, [])
        return Answers(texts, [_said(model, words, _in_a_chat(words, prompt)) for prompt in asked])


def _in_a_chat(words: Any, prompt: str) -> list[int]:
    message = {"role": "user", "content": prompt}
    spelt = words.apply_chat_template([message], tokenize=False, add_generation_prompt=True)
    found: list[int] = words(spelt, add_special_tokens=False)["input_ids"]
    return found


def _said(model: Any, words: Any, prompt: list[int]) -> str:
    import torch

    tokens = torch.tensor([prompt])
    with torch.inference_mode():
        said = model.generate(
            tokens, attention_mask=torch.ones_like(tokens), do_sample=False, max_new_tokens=ANSWER_TOKENS
        )
    text: str = words.decode(said[0, len(prompt) :], skip_special_tokens=True)
    return text
