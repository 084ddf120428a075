"""A decoder whose cache goes in and comes out as plain tensors, which is what a graph can have."""

from __future__ import annotations

import inspect
from typing import Any

import torch

Pair = tuple[torch.Tensor, torch.Tensor]
RANK = 4


class FlatPast(torch.nn.Module):
    """The original, called with tensors by position: ids, mask, positions where it takes them, keys, values, keys, ….

    Where the original can, it computes the logits of the last token alone: at 128 tokens the rest of them costs more
    than twice the time of all else in a small model.

    Args:
        module: The original; it is asked for two tokens, to learn what its cache looks like.

    Raises:
        ValueError: If it keeps no keys and values.
    """

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module
        takes = inspect.signature(module.forward).parameters
        self.takes_positions = "position_ids" in takes
        self._last = {"logits_to_keep": 1} if "logits_to_keep" in takes else {}
        answer = _probed(module)
        self.vocabulary = int(answer.logits.shape[-1])
        self._is_cache = hasattr(answer.past_key_values, "layers")
        self.shapes = [(keys.shape[1], keys.shape[3], values.shape[3]) for keys, values in _pairs(answer)]
        """Heads, size of a key and size of a value, by layer."""
        self.eval()

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the last token's logits, (batch, vocabulary), and keys and values with what was read added."""
        told = 3 if self.takes_positions else 2
        names = ("input_ids", "attention_mask", "position_ids")[:told]
        pairs = list(zip(tensors[told::2], tensors[told + 1 :: 2], strict=True))
        past = self._cache(pairs)
        named = dict(zip(names, tensors[:told], strict=True))
        answer = self.module(**named, **self._last, past_key_values=past, use_cache=True)
        return (answer.logits[:, -1], *(tensor for pair in _pairs(answer) for tensor in pair))

    def _cache(self, pairs: list[Pair]) -> Any:
        if not self._is_cache:
            return tuple(pairs)
        from transformers import DynamicCache

        return DynamicCache(pairs)


def _probed(module: torch.nn.Module) -> Any:
    accepted = "a module that is called with use_cache=True and returns logits and past_key_values"
    try:
        with torch.inference_mode():
            answer = module(input_ids=torch.tensor([[0, 1]]), use_cache=True)
        pairs = _pairs(answer)
    except (TypeError, AttributeError) as error:
        raise ValueError(f"module: keeps no keys and values ({error}), accepted: {accepted}") from error
    if pairs == [] or any(tensor.dim() != RANK for pair in pairs for tensor in pair):
        kind = type(answer.past_key_values).__name__
        raise ValueError(f"module: its cache is a {kind} without keys and values for each layer, accepted: {accepted}")
    return answer


def _pairs(answer: Any) -> list[Pair]:
    past = answer.past_key_values
    if hasattr(past, "layers"):
        return [(layer.keys, layer.values) for layer in past.layers]
    return [(keys, values) for keys, values in past]
