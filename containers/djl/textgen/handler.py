"""From a request to its answer, once or token by token."""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from djl_python import Input, Output

from . import answers
from .decoding import steps
from .spelling import Spelling
from .wanted import RequestError, Wanted, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .ranks import Ranks

_JSON, _UNREAD = "application/json", 415
_INVALID = 424
"""What LMI answers a request that it cannot serve with. Source: its schema."""


@dataclass(frozen=True)
class Loaded:
    """A model that can be asked.

    Args:
        model: Of transformers, or what calls like one.
        tokenizer: Its own.
        ranks: Who else holds a part of it.
        most_tokens: Prompt and answer together; None where nothing bounds them.
        device: Where its inputs go.
    """

    model: Any
    tokenizer: Any
    ranks: Ranks
    most_tokens: int | None
    device: Any


class Handler:
    """What DJL calls for each request.

    Args:
        load: Makes the model from the properties; called once, before the first request.
    """

    def __init__(self, load: Callable[[dict[str, str]], Loaded]) -> None:
        self._load = load
        self._loaded: Loaded | None = None

    def __call__(self, inputs: Input) -> Output | None:
        """Answer a request; the first comes empty, and means that the model is to be loaded."""
        if self._loaded is None:
            self._loaded = self._load(inputs.get_properties())
        if inputs.is_empty():
            return None
        if (media := _media(inputs)) != _JSON:
            return Output().error(f"content-type '{media}' is not read, {_JSON} is", _UNREAD, "unsupported media type")
        try:
            wanted = read(inputs.get_as_json())
            prompts = [_tokens(self._loaded, wanted, text) for text in wanted.prompts or ("",)]
        except (RequestError, json.JSONDecodeError, UnicodeDecodeError) as error:
            return Output().error(str(error), _INVALID, "invalid request")
        if wanted.stream:
            return _streamed(self._loaded, wanted, prompts[0])
        said = [_whole(self._loaded, wanted, prompt) for prompt in prompts]
        output = Output().add_property("Content-Type", "application/json")
        output.add_as_json(answers.whole(wanted, said))
        return output


def _media(inputs: Input) -> str:
    return (inputs.get_property("Content-Type") or _JSON).partition(";")[0].strip().lower()


def _tokens(loaded: Loaded, wanted: Wanted, text: str) -> list[int]:
    if wanted.chat is None:
        found: Any = loaded.tokenizer(text)["input_ids"]
    elif loaded.tokenizer.chat_template is None:
        raise RequestError("the model's tokenizer has no chat template: ask with 'inputs'")
    else:
        spelt = loaded.tokenizer.apply_chat_template(list(wanted.chat), tokenize=False, add_generation_prompt=True)
        found = loaded.tokenizer(spelt, add_special_tokens=False)["input_ids"]
    tokens = [int(token) for token in found]
    if not tokens:
        raise RequestError("the prompt has no tokens")
    if loaded.most_tokens is not None and len(tokens) >= loaded.most_tokens:
        raise RequestError(f"the prompt has {len(tokens)} tokens, and the model reads {loaded.most_tokens} at most")
    return tokens


def _whole(loaded: Loaded, wanted: Wanted, prompt: list[int]) -> answers.Said:
    said = answers.Said(loaded.tokenizer, len(prompt))
    for _ in _said(loaded, wanted, prompt, said):
        pass
    return said


def _streamed(loaded: Loaded, wanted: Wanted, prompt: list[int]) -> Output:
    said = answers.Said(loaded.tokenizer, len(prompt))
    kind, line = answers.line_of(wanted)
    output = Output().add_property("Content-Type", kind)
    output.add_stream_content(_said(loaded, wanted, prompt, said), output_formatter=lambda part: line(said, part))
    return output


def _said(loaded: Loaded, wanted: Wanted, prompt: list[int], said: answers.Said) -> Iterator[answers.Part]:
    """Say it token by token, noting down in ``said`` what is said."""
    spelling = Spelling(loaded.tokenizer, wanted.stops)
    room = None if loaded.most_tokens is None else loaded.most_tokens - len(prompt)
    most = min(bound for bound in (wanted.tokens, room, 1 << 20) if bound is not None)
    ends = frozenset() if wanted.ignore_end else _ends(loaded)
    chosen = steps(loaded.model, prompt, wanted, most, lambda token: loaded.ranks.agree(token, loaded.device))
    try:
        for number, step in enumerate(chosen, 1):
            text = spelling.add(step.token)
            reason = "eos_token" if step.token in ends else "stop_sequence" if spelling.stopped else None
            reason = reason or ("length" if number == most else None)
            if reason is not None:
                text += spelling.close()
            yield said.add(step, text, reason)
            if reason is not None:
                return
    except Exception:  # the head of a streamed answer has gone, so its last line says it
        traceback.print_exc()
        if not wanted.stream:
            raise
        yield said.broken()


def _ends(loaded: Loaded) -> frozenset[int]:
    config: Any = getattr(loaded.model, "generation_config", None) or loaded.model.config
    found = config.eos_token_id
    return frozenset() if found is None else frozenset(found if isinstance(found, list) else [found])
