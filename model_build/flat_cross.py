"""An encoder-decoder as two modules of plain tensors: what reads a text once, and what says one token after another."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_build.flat_past import Pair

ACCEPTED = "an encoder-decoder of transformers, whose past_key_values has a cache of itself and one of the text"


class FlatEncoder(torch.nn.Module):
    """Reads a text: token ids and mask become the keys and values by which every layer of the decoder looks at it."""

    def __init__(self, module: Any, start: int) -> None:
        super().__init__()
        self.module, self._start = module, start
        self.eval()

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return keys, values, keys, … of the text, (batch, heads, length, size) each."""
        begun = torch.full_like(ids[:, :1], self._start)  # only by decoding are its keys and values made
        with _written_out(self.module):
            hidden = self.module.get_encoder()(input_ids=ids, attention_mask=_added(mask, ids.shape[1]))
            answer = self.module(
                encoder_outputs=hidden, attention_mask=_added(mask, 1), decoder_input_ids=begun, use_cache=True
            )
        return tuple(_tensors(answer.past_key_values.cross_attention_cache))


class FlatDecoder(torch.nn.Module):
    """Says the next token: ids, the text's mask, own keys and values by layer, and then the text's by layer."""

    def __init__(self, module: Any, width: int) -> None:
        super().__init__()
        self.module, self._width = module, width
        self.eval()

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the last token's logits, (batch, vocabulary), and own keys and values with what was read added."""
        from transformers import DynamicCache, EncoderDecoderCache
        from transformers.modeling_outputs import BaseModelOutput

        (ids, mask), rest = tensors[:2], tensors[2:]
        pairs = list(zip(rest[0::2], rest[1::2], strict=True))
        own, text = pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :]
        cache = EncoderDecoderCache(DynamicCache(own), DynamicCache(text))
        cache.is_updated = dict.fromkeys(range(len(text)), True)  # the text's are taken as they are
        unread = text[0][0].new_zeros(mask.shape[0], mask.shape[1], self._width)
        with _written_out(self.module):
            answer = self.module(
                encoder_outputs=BaseModelOutput(last_hidden_state=unread),
                attention_mask=_added(mask, ids.shape[1]),
                decoder_input_ids=ids,
                past_key_values=cache,
                use_cache=True,
            )
        return (answer.logits[:, -1], *_tensors(answer.past_key_values.self_attention_cache))


class FlatCross:
    """Both, of one original.

    Args:
        module: The original; it is asked for a token, to learn what its cache looks like.
        start: Token that every answer begins after.

    Raises:
        ValueError: If it keeps no keys and values of the text.
    """

    def __init__(self, module: Any, start: int) -> None:
        try:
            with torch.inference_mode():
                hidden = module.get_encoder()(input_ids=torch.tensor([[0, 1, 1]]))
                begun = torch.tensor([[start]])
                answer = module(encoder_outputs=hidden, decoder_input_ids=begun, use_cache=True)
            own, text = (_pairs(getattr(answer.past_key_values, f"{it}_attention_cache")) for it in ("self", "cross"))
        except (TypeError, AttributeError) as error:
            raise ValueError(f"module: is no encoder-decoder ({error}), accepted: {ACCEPTED}") from error
        self.vocabulary = int(answer.logits.shape[-1])
        self.own, self.text = _sizes(own), _sizes(text)
        """Heads, size of a key and size of a value, by layer: of what it said, and of what it looks at."""
        self.encoder = FlatEncoder(module, start)
        self.decoder = FlatDecoder(module, int(hidden.last_hidden_state.shape[-1]))


@contextmanager
def _written_out(module: Any) -> Iterator[None]:
    """Let T5 and its kin compute attention step by step: with their bias the exporter cannot take the one operator."""
    config = getattr(module, "config", None)
    if not hasattr(config, "relative_attention_num_buckets"):
        yield
        return
    before = module.config._attn_implementation  # noqa: SLF001  there is a setter, and no getter
    module.set_attn_implementation("eager")
    try:
        yield
    finally:
        module.set_attn_implementation(before)


def _added(mask: torch.Tensor, queries: int) -> torch.Tensor:
    """Return what is added to the scores, (batch, 1, queries, length): the least number where there is padding."""
    least = torch.finfo(torch.float32).min
    return ((1 - mask[:, None, None].to(torch.float32)) * least).expand(-1, -1, queries, -1)


def _sizes(pairs: list[Pair]) -> list[tuple[int, int, int]]:
    return [(keys.shape[1], keys.shape[3], values.shape[3]) for keys, values in pairs]


def _pairs(cache: Any) -> list[Pair]:
    return [(layer.keys, layer.values) for layer in cache.layers]


def _tensors(cache: Any) -> list[torch.Tensor]:
    return [tensor for pair in _pairs(cache) for tensor in pair]
