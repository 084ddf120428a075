"""Answers in LMI's schema and as OpenAI chats, whole and line by line."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .decoding import Step
    from .wanted import Wanted

_OPENAI_REASONS = {"eos_token": "stop", "stop_sequence": "stop"}


@dataclass(frozen=True)
class Part:
    """One token of an answer.

    Args:
        step: Itself; None where the model broke.
        text: What it adds.
        reason: Why it is the last; None: it is not.
    """

    step: Step | None
    text: str
    reason: str | None


@dataclass
class Said:
    """An answer as it grows.

    Args:
        tokenizer: Of the model.
        prompt_tokens: How many the prompt has.
    """

    tokenizer: Any
    prompt_tokens: int
    parts: list[Part] = field(default_factory=list)
    name: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def add(self, step: Step, text: str, reason: str | None) -> Part:
        """Note down one token."""
        self.parts.append(Part(step, text, reason))
        return self.parts[-1]

    def broken(self) -> Part:
        """Note down that no more comes."""
        self.parts.append(Part(None, "", "error"))
        return self.parts[-1]

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(part.text for part in self.parts)

    @property
    def reason(self) -> str | None:
        """Why it ended."""
        return self.parts[-1].reason if self.parts else None


def whole(wanted: Wanted, said: list[Said]) -> Any:
    """Return answers that are complete, as JSON."""
    if wanted.chat is not None:
        return _completion(wanted, said[0])
    found = [_generated(wanted, prompt, one) for prompt, one in zip(wanted.prompts, said, strict=True)]
    return found if wanted.several else found[0]


def line_of(wanted: Wanted) -> tuple[str, Callable[[Said, Part], bytes]]:
    """Return the content type of a streamed answer, and what makes a line of each part."""
    if wanted.chat is not None:
        return "text/event-stream", lambda said, part: _event(wanted, said, part)
    return "application/jsonlines", lambda said, part: _json_line(wanted, said, part)


def _generated(wanted: Wanted, prompt: str, said: Said) -> dict[str, Any]:
    answer: dict[str, Any] = {"generated_text": prompt + said.text if wanted.full_text else said.text}
    if wanted.details:
        answer["details"] = _details(wanted, prompt, said) | {"tokens": [_token(part) for part in said.parts]}
    return answer


def _details(wanted: Wanted, prompt: str, said: Said) -> dict[str, Any]:
    found: dict[str, Any] = {"finish_reason": said.reason, "generated_tokens": len(said.parts), "inputs": prompt}
    if wanted.likeliest:
        steps = [part.step for part in said.parts if part.step is not None]
        found["top_tokens"] = [[_named(said, *one) for one in step.likeliest] for step in steps]
    return found


def _token(part: Part) -> dict[str, Any]:
    if part.step is None:
        return {"id": -1, "text": "", "log_prob": -1, "special_token": True}
    return {"id": part.step.token, "text": part.text, "log_prob": part.step.log_prob}


def _named(said: Said, token: int, log_prob: float) -> dict[str, Any]:
    return {"id": token, "text": said.tokenizer.decode([token]), "log_prob": log_prob}


def _json_line(wanted: Wanted, said: Said, part: Part) -> bytes:
    line: dict[str, Any] = {"token": _token(part)}
    if part.reason is not None:
        line["generated_text"] = (
            "" if part.reason == "error" else _generated(wanted, wanted.prompts[0], said)["generated_text"]
        )
        line["details"] = _details(wanted, wanted.prompts[0], said)
    return json.dumps(line).encode() + b"\n"


def _completion(wanted: Wanted, said: Said) -> dict[str, Any]:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": said.text},
        "logprobs": {"content": [_logprob(said, part) for part in said.parts]} if wanted.details else None,
        "finish_reason": _OPENAI_REASONS.get(said.reason or "", said.reason),
    }
    usage = {"prompt_tokens": said.prompt_tokens, "completion_tokens": len(said.parts)}
    usage["total_tokens"] = sum(usage.values())
    return _head(said, "chat.completion") | {"choices": [choice], "usage": usage}


def _event(wanted: Wanted, said: Said, part: Part) -> bytes:
    delta = {"content": part.text} | ({"role": "assistant"} if len(said.parts) == 1 else {})
    choice = {
        "index": 0,
        "delta": delta,
        "logprobs": {"content": [_logprob(said, part)]} if wanted.details else None,
        "finish_reason": _OPENAI_REASONS.get(part.reason or "", part.reason),
    }
    event = b"data: " + json.dumps(_head(said, "chat.completion.chunk") | {"choices": [choice]}).encode() + b"\n\n"
    return event if part.reason is None else event + b"data: [DONE]\n\n"


def _head(said: Said, kind: str) -> dict[str, Any]:
    return {"id": said.name, "object": kind, "created": said.created}


def _logprob(said: Said, part: Part) -> dict[str, Any]:
    if part.step is None:
        return {"token": "", "logprob": -1, "bytes": [], "top_logprobs": []}
    others = [_spelt(said.tokenizer.decode([token]), log_prob) for token, log_prob in part.step.likeliest]
    return _spelt(said.tokenizer.decode([part.step.token]), part.step.log_prob) | {"top_logprobs": others}


def _spelt(text: str, log_prob: float) -> dict[str, Any]:
    return {"token": text, "logprob": log_prob, "bytes": list(text.encode())}
