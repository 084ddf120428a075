"""What one request asks for, in LMI's own schema or as an OpenAI chat."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_LMI = frozenset({"inputs", "parameters", "stream"})
_CHAT = {
    "max_tokens": "max_new_tokens",
    "max_completion_tokens": "max_new_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "seed": "seed",
    "stop": "stop_sequences",
    "top_logprobs": "logprobs",
    "ignore_eos": "ignore_eos_token",
}
_UNUSED = frozenset({"messages", "model", "user", "stream", "logprobs", "n"})
_KINDS: dict[str, tuple[type, ...]] = {
    "do_sample": (bool,),
    "seed": (int,),
    "temperature": (int, float),
    "repetition_penalty": (int, float),
    "top_k": (int,),
    "top_p": (int, float),
    "max_new_tokens": (int,),
    "details": (bool,),
    "return_full_text": (bool,),
    "stop_sequences": (list,),
    "logprobs": (int,),
    "ignore_eos_token": (bool,),
}
_NEW_TOKENS = 30
"""Where a request does not say. Source: LMI's schema."""


class RequestError(Exception):
    """A request that cannot be answered; the message says why."""


@dataclass(frozen=True)
class Wanted:
    """One request.

    Args:
        prompts: One answer for each.
        chat: The messages, where it is a chat.
        several: Whether prompts came as a list, so that answers go as one.
        stream: Whether each token is sent as it comes.
        tokens: New ones at most; None: as many as there is room for.
        sample: Whether chance has a say.
        seed: Of chance.
        temperature: Above 0.
        top_k: How many tokens chance chooses from; 0 or less: all.
        top_p: Share of the likelihood that chance chooses from.
        repetition_penalty: 1 for none.
        details: Whether tokens are listed.
        full_text: Whether the prompt stands before the answer.
        stops: Text that ends the answer.
        likeliest: How many other tokens are told for each.
        ignore_end: Whether the end-of-text token is one like any other.
    """

    prompts: tuple[str, ...] = ()
    chat: tuple[dict[str, Any], ...] | None = None
    several: bool = False
    stream: bool = False
    tokens: int | None = _NEW_TOKENS
    sample: bool = False
    seed: int = field(default_factory=lambda: secrets.randbits(31))
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    details: bool = False
    full_text: bool = False
    stops: tuple[str, ...] = ()
    likeliest: int = 0
    ignore_end: bool = False


def read(body: Any) -> Wanted:
    """Read a request's JSON.

    Raises:
        RequestError: If a key is unknown, or a value is not of its kind.
    """
    if not isinstance(body, dict):
        raise RequestError("the body is not a JSON object")
    if "messages" in body:
        return _chat(body)
    if unknown := sorted(body.keys() - _LMI):
        raise RequestError(f"unknown keys: {', '.join(unknown)}; 'inputs', 'parameters' and 'stream' are known")
    given = body.get("inputs")
    prompts = tuple(given) if isinstance(given, list) else (given,)
    if not prompts or not all(isinstance(prompt, str) for prompt in prompts):
        raise RequestError("'inputs' is a text, or a list of texts")
    stream = bool(body.get("stream", False))
    if stream and len(prompts) > 1:
        raise RequestError("one prompt is streamed at a time")
    return _wanted(body.get("parameters") or {}, prompts=prompts, several=isinstance(given, list), stream=stream)


def _chat(body: dict[str, Any]) -> Wanted:
    if unknown := sorted(body.keys() - _CHAT.keys() - _UNUSED):
        raise RequestError(f"unknown or unsupported keys of a chat: {', '.join(unknown)}")
    if body.get("n", 1) != 1:
        raise RequestError("'n' is 1 here")
    messages = body["messages"]
    texts = isinstance(messages, list) and all(
        isinstance(one, dict) and isinstance(one.get("content"), str) and "role" in one for one in messages
    )
    if not texts or not messages:
        raise RequestError("'messages' is a list of objects with 'role' and a text as 'content'")
    parameters: dict[str, Any] = {name: body[key] for key, name in _CHAT.items() if body.get(key) is not None}
    if isinstance(parameters.get("stop_sequences"), str):
        parameters["stop_sequences"] = [parameters["stop_sequences"]]
    parameters.setdefault("max_new_tokens", None)
    parameters.setdefault("temperature", 1.0)  # a chat is sampled unless it says otherwise
    parameters["details"] = bool(body.get("logprobs", False))
    return _wanted(parameters, chat=tuple(messages), stream=bool(body.get("stream", False)))


def _wanted(parameters: Any, **known: Any) -> Wanted:
    if not isinstance(parameters, dict):
        raise RequestError("'parameters' is an object")
    given = {name: value for name, value in parameters.items() if value is not None}
    for name, value in given.items():
        _check(name, value)
    found = {_FIELDS.get(name, name): value for name, value in given.items() if name != "do_sample"}
    if "max_new_tokens" in parameters:
        found["tokens"] = parameters["max_new_tokens"]
    if "stops" in found:
        found["stops"] = tuple(found["stops"])
    cold = found.get("temperature") == 0
    if cold:
        del found["temperature"]
    chance = given.get("do_sample", bool(found.keys() & {"temperature", "top_k", "top_p"}))
    return Wanted(**known, **found, sample=chance and not cold)


_FIELDS = {
    "max_new_tokens": "tokens",
    "return_full_text": "full_text",
    "stop_sequences": "stops",
    "logprobs": "likeliest",
    "ignore_eos_token": "ignore_end",
}


def _check(name: str, value: Any) -> None:
    kinds = _KINDS.get(name)
    if kinds is None:
        raise RequestError(f"unknown or unsupported parameter '{name}': {', '.join(sorted(_KINDS))} are known")
    if type(value) not in kinds:  # a bool is no number here
        raise RequestError(f"'{name}' is not {' or '.join(kind.__name__ for kind in kinds)}")
    bound = _BOUNDS.get(name)
    if bound is not None and not bound[0](value):
        raise RequestError(f"'{name}' is {bound[1]}")


_BOUNDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "temperature": (lambda value: value >= 0, "at least 0"),
    "max_new_tokens": (lambda value: value >= 1, "at least 1"),
    "logprobs": (lambda value: value >= 0, "at least 0"),
    "seed": (lambda value: 0 <= value < 1 << 63, "between 0 and 2^63"),
    "top_p": (lambda value: 0 < value <= 1, "above 0 and at most 1"),
    "repetition_penalty": (lambda value: value > 0, "above 0"),
    "stop_sequences": (lambda value: all(isinstance(text, str) and text for text in value), "a list of texts"),
}
