"""What ``source.py:load`` returns for ``task: text-generation`` of a model that reads one text and writes another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from model_build.source import require
from model_build.text_generator import TextGenerator

if TYPE_CHECKING:
    import torch

    from model_build.flat_cross import FlatCross


@dataclass(frozen=True, kw_only=True)
class TextRewriter(TextGenerator):
    """An encoder-decoder, such as T5 or Marian, for ``task: text-generation``: it translates, or sums up.

    Args:
        module: Of transformers, or what is called alike: ``get_encoder()`` reads ``input_ids`` and a mask that is added
            to the scores; the module takes ``encoder_outputs``, ``decoder_input_ids`` and ``past_key_values``, an
            EncoderDecoderCache. In evaluation mode, on the CPU.
        tokenizer_file: As of ``TextGenerator``; it adds what the encoder expects at a text's end.
        context_length: Tokens that a text has at most; answers have ``max_new_tokens``.
        start: Token that every answer begins after (``decoder_start_token_id``); it is no part of it.
        eos: As of ``TextGenerator``.
        max_new_tokens: Likewise.

    Raises:
        TypeError: If a field has a wrong type.
        ValueError: If it has a value that cannot be served.
    """

    least_context: ClassVar[int] = 1

    start: int

    def __post_init__(self) -> None:
        require(type(self.start) is int, "start", self.start, "a whole number")
        super().__post_init__()
        if not 0 <= self.start < self.vocabulary:
            raise ValueError(f"start: {self.start}, accepted: tokens of the module, 0 to {self.vocabulary - 1}")

    @cached_property
    def cross(self) -> FlatCross:
        """The module in two parts."""
        from model_build.flat_cross import FlatCross

        return FlatCross(self.module, self.start)

    @property
    def vocabulary(self) -> int:
        """How many tokens it knows."""
        return self.cross.vocabulary

    def follow(self, ids: torch.Tensor, steps: int) -> torch.Tensor:
        """Return the logits before each token that the module answers, (texts, steps, vocabulary)."""
        import torch

        module: Any = self.module
        hidden = module.get_encoder()(input_ids=ids)
        tokens, past, found = torch.full_like(ids[:, :1], self.start), None, list[torch.Tensor]()
        while len(found) < steps:
            answer = module(encoder_outputs=hidden, decoder_input_ids=tokens, past_key_values=past, use_cache=True)
            past = answer.past_key_values
            found.append(answer.logits[:, -1])
            tokens = found[-1].argmax(dim=1, keepdim=True)
        return torch.stack(found, dim=1)
