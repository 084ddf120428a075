from __future__ import annotations

from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from model_build.tasks.lines import lines
from model_build.tasks.task import Feeds, Samples, Traceable
from model_build.text_generator import FOLLOWED, TextGenerator
from slipway.specs import Generate, Problem, Rewrite, SpecError, Tokenize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_build.flat_past import FlatPast
    from slipway.specs import ModelSpec

TOKENIZER_FILE = "tokenizer.json"
OUTPUT = "logits"
PAST, PRESENT = "past_key_values", "present"


class TextGeneration:
    """Texts to what comes after them."""

    returns: ClassVar[type] = TextGenerator
    after: ClassVar[int] = 1
    """1 where prompt and answer share the context, else 0."""

    def __init__(self, original: Any) -> None:
        self.original: TextGenerator = original

    @cached_property
    def flat(self) -> FlatPast:
        """The original with its cache as plain tensors."""
        from model_build.flat_past import FlatPast

        return FlatPast(self.original.module)

    def traceable(self) -> Traceable:
        """Return one module for reading a prompt and for making a token: they differ in how much came before."""
        inputs = {"input_ids": {0: "batch", 1: "length"}, "attention_mask": {0: "batch", 1: "total"}}
        if self.flat.takes_positions:
            inputs["position_ids"] = {0: "batch", 1: "length"}
        inputs.update({name: {0: "batch", 2: "past"} for name in self._names(PAST)})
        more = {name: {0: "batch", 2: "total"} for name in self._names(PRESENT)}
        return Traceable(self.flat, inputs, OUTPUT, more)

    def feeds(self, shape: tuple[int, ...]) -> Feeds:
        """Return random token ids after a random past, without padding."""
        batch, length, past = shape
        random = np.random.default_rng(0)
        words = self.original.tokenizer().get_vocab_size()
        feeds: Feeds = {
            "input_ids": random.integers(0, words, (batch, length), dtype=np.int64),
            "attention_mask": np.ones((batch, past + length), np.int64),
        }
        if self.flat.takes_positions:
            feeds["position_ids"] = np.tile(np.arange(past, past + length, dtype=np.int64), (batch, 1))
        sizes = [(heads, past, size) for heads, *pair in self.flat.shapes for size in pair]
        for name, rest in zip(self._names(PAST), sizes, strict=True):
            feeds[name] = random.standard_normal((batch, *rest), np.float32)
        return feeds

    def eager(self) -> Callable[[Feeds], np.ndarray]:
        """Return the module in PyTorch with its own cache: it keeps what it reads, as the artifact does."""
        import torch

        def read(feeds: Feeds) -> np.ndarray:
            with torch.inference_mode():
                return np.asarray(self.flat(*(torch.from_numpy(tensor) for tensor in feeds.values()))[0].numpy())

        return read

    def speak(self, prompts: np.ndarray, tokens: int) -> np.ndarray:
        """Return what the original goes on with, its likeliest tokens, by its own cache.

        Args:
            prompts: Token ids, (texts, length).
            tokens: How many to say.
        """
        import torch

        with torch.inference_mode():
            return np.asarray(self.original.follow(torch.from_numpy(prompts), tokens).argmax(dim=2).numpy())

    def shapes(self, spec: ModelSpec) -> Iterator[tuple[int, ...]]:
        """Yield (batch, tokens to read, tokens read before): a prompt, and then a token after it."""
        lengths = spec.benchmark.sequence_length or ()
        for length in lengths:
            if length + self.after > self.original.context_length:
                context = f"context_length of {self.original.context_length} tokens"
                also = " and a token after it" * self.after
                raise ValueError(f"a prompt of {length}{also} are more than the source's {context}")
        for batch, length in product(spec.benchmark.batch, lengths):
            yield from ((batch, length, 0), (batch, 1, length))

    def example_shape(self) -> tuple[int, ...]:
        """Return (batch, tokens to read, tokens read before)."""
        return (2, 3, 5)

    def samples(self, spec: ModelSpec, folder: Path) -> Samples:
        """Return the lines of the model's data file that are not empty: each a prompt."""
        prompts = lines(folder, str(spec.verify.data))
        most = self.original.context_length - FOLLOWED * self.after
        tokenizer = self.original.tokenizer()
        for prompt in prompts:
            if not 0 < (count := len(tokenizer.encode(prompt).ids)) <= most:
                follow = f", so that {FOLLOWED} may follow" * self.after
                message = f"{prompt[:40]!r} has {count} tokens, accepted: 1 to {most}{follow}"
                raise SpecError([Problem(f"models/{folder.name}/{spec.verify.data}", 0, "", message)])
        return Samples(prompts)

    def calibration(self, spec: ModelSpec, folder: Path) -> Iterator[Feeds]:  # noqa: ARG002  the protocol's arguments
        """Yield nothing."""
        return iter(())

    def calibration_missing(self, spec: ModelSpec) -> str:  # noqa: ARG002  the protocol's arguments
        """Say that there is none."""
        return "text generation brings no calibration data"

    def preprocess(self) -> Tokenize:
        """Say that prompts are tokenised."""
        return Tokenize(kind="tokenize", tokenizer_file=TOKENIZER_FILE, max_length=self.original.context_length)

    def postprocess(self, output_shape: tuple[int | str, ...]) -> Generate | Rewrite:  # noqa: ARG002  the protocol's arguments
        """Say when an answer ends."""
        return Generate(kind="generate", max_new_tokens=self.original.max_new_tokens, eos=self.original.eos)

    def files(self) -> dict[str, Path | str]:
        """Return the tokenizer."""
        given = self.original.tokenizer_file
        return {TOKENIZER_FILE: given if isinstance(given, Path) else given.to_str(pretty=True)}

    def _names(self, side: str) -> list[str]:
        return [f"{side}.{layer}.{part}" for layer in range(len(self.flat.shapes)) for part in ("key", "value")]
