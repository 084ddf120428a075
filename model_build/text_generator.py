"""What ``source.py:load`` returns for ``task: text-generation``."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from model_build.source import require, require_module

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import torch
    from tokenizers import Tokenizer

FOLLOWED: Final = 16
"""Tokens of each prompt's continuation that the artifact is compared on."""
TOGETHER: Final = 16
"""Prompts that the original reads at once at most."""
SMALL_BYTES: Final = 256 << 20
MOST_NUMBERS: Final = 1 << 27
"""Of all logits that the original's answers hold together: half a gigabyte. Many prompts of a large vocabulary are
compared on fewer tokens."""


@dataclass(frozen=True, kw_only=True)
class TextGenerator:
    """A model that goes on with texts, for ``task: text-generation``.

    Args:
        module: A causal language model of transformers, or what is called alike: with ``input_ids``,
            ``attention_mask``, ``position_ids`` (where it takes them), ``past_key_values``, ``use_cache`` by keyword,
            returning an object with ``logits`` (batch, length, vocabulary) and ``past_key_values``, a DynamicCache or a
            pair of keys and values (batch, heads, length, size) for each layer. In evaluation mode, on the CPU.
        tokenizer_file: A ``tokenizer.json`` of the ``tokenizers`` library, or a tokenizer of it that the source made;
            it is copied into the artifact.
        context_length: Tokens that prompt and answer have together at most.
        eos: Ids of the tokens that end an answer.
        max_new_tokens: As many may a request ask for; one that does not ask gets no more. Of no use to ``target: llm``,
            whose servers have bounds of their own.
        chat_template: Makes a prompt of a chat, in Jinja; of use to ``target: llm`` alone.
            Default: its servers refuse chats.

    Raises:
        TypeError: If a field has a wrong type.
        ValueError: If it has a value that cannot be served.
    """

    least_context: ClassVar[int] = FOLLOWED + 2

    module: torch.nn.Module
    tokenizer_file: Path | Tokenizer
    context_length: int
    eos: tuple[int, ...]
    max_new_tokens: int = 128
    chat_template: str | None = None

    def __post_init__(self) -> None:
        require_module(self.module)
        self._require_tokenizer()
        for field, least in (("context_length", self.least_context), ("max_new_tokens", 1)):
            value = getattr(self, field)
            require(type(value) is int, field, value, "a whole number")
            if value < least:
                raise ValueError(f"{field}: {value}, accepted: {least} or more")
        self._require_tokens(self.vocabulary)

    @property
    def vocabulary(self) -> int:
        """How many tokens the module knows.

        Raises:
            ValueError: If it keeps no keys and values.
        """
        from model_build.flat_past import FlatPast

        return FlatPast(self.module).vocabulary

    def reference(self, inputs: list[str]) -> np.ndarray:
        """Return what the untouched original says when it goes on with each text, always by its likeliest token.

        It keeps its own cache. Texts of as many tokens are read together, others apart: there is no padding.

        Returns:
            The logits before each token that it goes on with, (texts, tokens, vocabulary), float32.
        """
        import numpy as np
        import torch

        tokenizer, steps = self.tokenizer(), self._steps(len(inputs))
        found: dict[int, torch.Tensor] = {}
        with torch.inference_mode(), _threads_for(self.module):
            for places, ids in _alike([tokenizer.encode(text).ids for text in inputs]):
                found.update(zip(places, self.follow(torch.tensor(ids), steps), strict=True))
        return np.stack([found[place].float().numpy() for place in range(len(inputs))])

    def follow(self, ids: torch.Tensor, steps: int) -> torch.Tensor:
        """Return the logits before each token that the module goes on with, (texts, steps, vocabulary).

        Args:
            ids: Texts of one length, (texts, length).
            steps: How many tokens.
        """
        import torch

        tokens, past, found = ids, None, list[torch.Tensor]()
        while len(found) < steps:
            answer = self.module(input_ids=tokens, past_key_values=past, use_cache=True)
            past = answer.past_key_values
            found.append(answer.logits[:, -1])
            tokens = found[-1].argmax(dim=1, keepdim=True)
        return torch.stack(found, dim=1)

    def tokenizer(self) -> Tokenizer:
        """Return the tokenizer, which neither cuts nor pads."""
        from tokenizers import Tokenizer

        given = self.tokenizer_file
        text = given.read_text(encoding="utf-8") if isinstance(given, Path) else given.to_str()
        tokenizer = Tokenizer.from_str(text)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def _steps(self, texts: int) -> int:
        return max(1, min(FOLLOWED, MOST_NUMBERS // (texts * self.vocabulary)))

    def _require_tokenizer(self) -> None:
        from tokenizers import Tokenizer

        given, accepted = self.tokenizer_file, "a pathlib.Path, or a tokenizers.Tokenizer"
        require(isinstance(given, Path | Tokenizer), "tokenizer_file", given, accepted)
        if isinstance(given, Path) and not given.is_file():
            raise ValueError(f"tokenizer_file: {given} does not exist")

    def _require_tokens(self, known: int) -> None:
        made = self.tokenizer().get_vocab_size()
        if made > known:
            raise ValueError(f"tokenizer_file: makes {made} different tokens, the module knows {known}")
        if self.eos == ():
            raise ValueError("eos: empty: name the token that ends a text, or every answer is as long as it may be")
        for token in self.eos:
            require(type(token) is int, "eos", token, "whole numbers")
            if not 0 <= token < made:
                raise ValueError(f"eos: {token}, accepted: tokens that the tokenizer makes, 0 to {made - 1}")


@contextmanager
def _threads_for(module: torch.nn.Module) -> Iterator[None]:
    """Give a small model one thread: a step is too little to divide, and threads would wait for each other."""
    import torch

    from model_build.tasks import weights_bytes

    before = torch.get_num_threads()
    torch.set_num_threads(1 if weights_bytes(module) < SMALL_BYTES else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _alike(prompts: list[list[int]]) -> Iterator[tuple[list[int], list[list[int]]]]:
    """Yield places and tokens of prompts of one length, a few at a time."""
    by_length: dict[int, list[int]] = {}
    for place, ids in enumerate(prompts):
        by_length.setdefault(len(ids), []).append(place)
    for places in by_length.values():
        for at in range(0, len(places), TOGETHER):
            some = places[at : at + TOGETHER]
            yield some, [prompts[place] for place in some]
