"""Answers of a model that generates, token by token, to be timed: the original's own way, and the server's."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from model_build.tasks import TextGeneration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_build.tasks import Feeds, Task
    from serving.decoder import Decoder
    from serving.model import Model
    from slipway.specs import ModelSpec

TOKENS: Final = 16
"""Of an answer that is timed."""


def answers(task: Task, model: Model, spec: ModelSpec) -> Iterator[tuple[str, dict[str, Callable[[], Any]], int]]:
    """Yield answers to be timed, as shape, calls and tokens; none for a model that does not generate.

    Each reads a prompt and says a token after the other, always the likeliest, whatever ends a text: both say as many.
    """
    if model.generator is None or not isinstance(task, TextGeneration):
        return
    for batch, length in product(spec.benchmark.batch, spec.benchmark.sequence_length or ()):
        steps = min(TOKENS, task.original.context_length - length) if task.after else TOKENS
        prompts = {name: tensor for name, tensor in task.feeds((batch, length, 0)).items() if tensor.ndim == 2}  # noqa: PLR2004  no cache
        calls: dict[str, Callable[[], Any]] = {
            "original": partial(task.speak, prompts["input_ids"], steps),
            "artifact": partial(_speak, model.generator.decoder, prompts, steps),
        }
        yield f"{batch}x{length}+{steps}", calls, steps


def _speak(decoder: Decoder, prompts: Feeds, steps: int) -> np.ndarray:
    logits, cache = decoder.read(prompts)
    said = [logits.argmax(axis=1)]
    while len(said) < steps:
        logits, cache = decoder.step(said[-1], cache)
        said.append(logits.argmax(axis=1))
    return np.stack(said, axis=1)
