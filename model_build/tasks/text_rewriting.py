from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from model_build.tasks.task import Feeds, Traceable
from model_build.tasks.text_generation import OUTPUT, PAST, PRESENT, TextGeneration
from slipway.specs import Rewrite

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_build.flat_cross import FlatCross
    from model_build.text_rewriter import TextRewriter


class TextRewriting(TextGeneration):
    """Texts to other texts: the same task, of an original that reads the text with an encoder."""

    after: ClassVar[int] = 0

    @cached_property
    def _rewriter(self) -> TextRewriter:
        original: Any = self.original
        rewriter: TextRewriter = original
        return rewriter

    @property
    def _cross(self) -> FlatCross:
        return self._rewriter.cross

    def traceable(self) -> Traceable:
        """Return the decoder, and the encoder that is asked once before it."""
        text = self._named("encoder", len(self._cross.text))
        inputs = {"input_ids": {0: "batch", 1: "length"}, "attention_mask": {0: "batch", 1: "text"}}
        inputs.update({f"{PAST}.{name}": {0: "batch", 2: "past"} for name in self._own()})
        inputs.update({f"{PAST}.{name}": {0: "batch", 2: "text"} for name in text})
        more = {f"{PRESENT}.{name}": {0: "batch", 2: "total"} for name in self._own()}
        first, *others = (f"{PAST}.{name}" for name in text)
        read = {"input_ids": {0: "batch", 1: "text"}, "attention_mask": {0: "batch", 1: "text"}}
        encoder = Traceable(self._cross.encoder, read, first, {name: {0: "batch", 2: "text"} for name in others})
        return Traceable(self._cross.decoder, inputs, OUTPUT, more, encoder)

    def feeds(self, shape: tuple[int, ...]) -> Feeds:
        """Return a text to read, or a token after a past, of answer and text alike unless a fourth size is given."""
        batch, length, past, *rest = shape
        random = np.random.default_rng(0)
        ids = random.integers(0, self.original.tokenizer().get_vocab_size(), (batch, length), dtype=np.int64)
        if past == 0:
            return {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        text = rest[0] if rest else past
        feeds: Feeds = {"input_ids": ids, "attention_mask": np.ones((batch, text), np.int64)}
        for names, sizes, places in ((self._own(), self._cross.own, past), (self._text(), self._cross.text, text)):
            tensors = [(heads, places, size) for heads, *pair in sizes for size in pair]
            for name, rest_of_shape in zip(names, tensors, strict=True):
                feeds[f"{PAST}.{name}"] = random.standard_normal((batch, *rest_of_shape), np.float32)
        return feeds

    def eager(self) -> Callable[[Feeds], np.ndarray]:
        """Return both modules in PyTorch: a text is read and answered by one token, or a token is added."""
        import torch

        def say(feeds: Feeds) -> np.ndarray:
            tensors = [torch.from_numpy(tensor) for tensor in feeds.values()]
            with torch.inference_mode():
                if len(tensors) > 2:  # noqa: PLR2004  ids and mask
                    return np.asarray(self._cross.decoder(*tensors)[0].numpy())
                return np.asarray(self.original.follow(tensors[0], 1)[:, 0].numpy())

        return say

    def example_shape(self) -> tuple[int, ...]:
        """Return (batch, tokens to read, tokens said before, tokens of the text)."""
        return (2, 3, 5, 7)

    def postprocess(self, output_shape: tuple[int | str, ...]) -> Rewrite:  # noqa: ARG002  the protocol's arguments
        """Say what an answer begins after, and when it ends."""
        original = self._rewriter
        return Rewrite(kind="rewrite", max_new_tokens=original.max_new_tokens, eos=original.eos, start=original.start)

    def _own(self) -> list[str]:
        return self._named("decoder", len(self._cross.own))

    def _text(self) -> list[str]:
        return self._named("encoder", len(self._cross.text))

    def _named(self, part: str, layers: int) -> list[str]:
        return [f"{layer}.{part}.{kind}" for layer in range(layers) for kind in ("key", "value")]
