from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from model_build.source import TextEmbedder
from model_build.tasks.lines import lines
from model_build.tasks.task import Feeds, Samples, Traceable
from model_build.work import present
from slipway.specs import Embed, Tokenize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import torch

    from slipway.specs import ModelSpec

TOKENIZER_FILE = "tokenizer.json"
OUTPUT = "last_hidden_state"
TENSORS = ("input_ids", "attention_mask", "token_type_ids")


class SentenceEmbedding:
    """Texts to vectors."""

    returns: ClassVar[type] = TextEmbedder

    def __init__(self, original: Any) -> None:
        self.original: TextEmbedder = original

    def traceable(self) -> Traceable:
        """Return the original with its inputs in a fixed order, handed on by keyword."""
        dynamic = {0: "batch", 1: "length"}
        return Traceable(_by_keyword(self.original), dict.fromkeys(self.original.inputs, dynamic), OUTPUT)

    def feeds(self, shape: tuple[int, ...]) -> Feeds:
        """Return random token ids without padding, which is the most work that a shape can be."""
        from tokenizers import Tokenizer

        words = Tokenizer.from_file(str(self.original.tokenizer_file)).get_vocab_size()
        ids = np.random.default_rng(0).integers(0, words, shape, dtype=np.int64)
        tensors = dict(zip(TENSORS, (ids, np.ones_like(ids), np.zeros_like(ids)), strict=True))
        return {name: tensors[name] for name in self.original.inputs}

    def eager(self) -> Callable[[Feeds], np.ndarray]:
        """Return the module, pooling and normalisation in PyTorch."""
        import torch

        module, original = _by_keyword(self.original), self.original

        def embed(feeds: Feeds) -> np.ndarray:
            with torch.inference_mode():
                tokens = module(*(torch.from_numpy(feeds[name]) for name in original.inputs))
                mask = torch.from_numpy(feeds["attention_mask"])[:, :, None].to(tokens.dtype)
                pooled = (tokens * mask).sum(1) / mask.sum(1) if original.pooling == "mean" else tokens[:, 0]
                return np.asarray((torch.nn.functional.normalize(pooled) if original.normalize else pooled).numpy())

        return embed

    def shapes(self, spec: ModelSpec) -> Iterator[tuple[int, ...]]:
        """Yield (batch, length), no longer than the model's own limit."""
        lengths = spec.benchmark.sequence_length or ()
        for length in lengths:
            if length > self.original.max_length:
                raise ValueError(f"{length} is more than the source's max_length of {self.original.max_length} tokens")
        yield from product(spec.benchmark.batch, lengths)

    def example_shape(self) -> tuple[int, ...]:
        """Return (batch, length)."""
        return (2, min(7, self.original.max_length))

    def samples(self, spec: ModelSpec, folder: Path) -> Samples:
        """Return the lines of the model's data file that are not empty."""
        return Samples(lines(folder, str(spec.verify.data)))

    def calibration(self, spec: ModelSpec, folder: Path) -> Iterator[Feeds]:
        """Yield the lines of the model's calibration file, one at a time: padding would blur what is measured."""
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self.original.tokenizer_file))
        tokenizer.enable_truncation(self.original.max_length)
        for line in lines(folder, str(present(spec.calibrate).data)):
            encoded = tokenizer.encode(line)
            columns = (encoded.ids, encoded.attention_mask, encoded.type_ids)
            tensors = dict(zip(TENSORS, (np.asarray([column], np.int64) for column in columns), strict=True))
            yield {name: tensors[name] for name in self.original.inputs}

    def calibration_missing(self, spec: ModelSpec) -> str | None:
        """Ask for the file."""
        return "model.yaml names no calibration data" if spec.calibrate is None else None

    def preprocess(self) -> Tokenize:
        """Say that texts are tokenised."""
        return Tokenize(kind="tokenize", tokenizer_file=TOKENIZER_FILE, max_length=self.original.max_length)

    def postprocess(self, output_shape: tuple[int | str, ...]) -> Embed:
        """Say how token vectors become one."""
        original, width = self.original, output_shape[-1]
        return Embed(kind="embed", pooling=original.pooling, normalize=original.normalize, dimensions=int(width))

    def files(self) -> dict[str, Path | str]:
        """Return the tokenizer."""
        return {TOKENIZER_FILE: self.original.tokenizer_file}


def _by_keyword(original: TextEmbedder) -> torch.nn.Module:
    """Fix the order of the inputs.

    The exporter names inputs by position: a module whose forward takes the mask third, not second, would be exported
    with two tensors swapped, without a word.
    """
    import torch

    class ByKeyword(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.original = original.module

        def forward(self, *tensors: torch.Tensor) -> Any:
            answer = self.original(**dict(zip(original.inputs, tensors, strict=True)))
            return answer if isinstance(answer, torch.Tensor) else answer.last_hidden_state

    return ByKeyword().eval()
