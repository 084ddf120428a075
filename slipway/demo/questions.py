"""What is asked so that an answer can be held against the original's, and how the answer is read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from slipway.demo.compare import rows
from slipway.specs import ANSWER_TOKENS, Manifest

if TYPE_CHECKING:
    import httpx
    from numpy.typing import NDArray

    from model_build import Samples
    from slipway.demo.hosted import Hosted
    from slipway.specs import Deployment, ServedModel

_EVENT = "data: "
_DONE = "[DONE]"


class Questions(Protocol):
    """Requests for all of a model's samples."""

    @property
    def requests(self) -> list[Any]:
        """What is sent, each as JSON."""

    @property
    def originals(self) -> NDArray[Any]:
        """What the original answers to all of it."""

    def read(self, answer: httpx.Response) -> NDArray[Any]:
        """Return what one request was answered."""


@dataclass(frozen=True)
class InTheServersWords:
    """As a server's own callers ask it.

    Args:
        hosted: Who is asked.
        first: What the server is told of the model that takes the request.
        last: Of the model whose answer is returned.
        samples: What is asked.
    """

    hosted: Hosted
    first: ServedModel | None
    last: ServedModel | None
    samples: Samples

    @classmethod
    def of(cls, deployment: Deployment, hosted: Hosted, samples: Samples) -> InTheServersWords:
        """Return the questions for what is hosted."""
        return cls(hosted, _told(deployment, hosted.models[0]), _told(deployment, hosted.models[-1]), samples)

    @property
    def requests(self) -> list[Any]:
        """One with all inputs, or one for each where the server takes no more."""
        server, inputs = self.hosted.server, self.samples.inputs
        parts = [[one] for one in inputs] if server.asks_singly else [inputs]
        return [server.request(self.first, part) for part in parts]

    @property
    def originals(self) -> NDArray[Any]:
        """As the samples have them."""
        return self.samples.answers

    def answer(self, document: Any) -> Any:
        """Return an answer in the words of our own server."""
        return self.hosted.server.answer(self.last, document)

    def read(self, answer: httpx.Response) -> NDArray[Any]:
        """Return the rows of a JSON document."""
        return rows(self.answer(answer.json()))


@dataclass(frozen=True)
class InAChat:
    """As OpenAI's clients ask, each input being what a user says first, and the answer comes word by word."""

    samples: Samples

    @property
    def requests(self) -> list[Any]:
        """One for each."""
        how = {"max_tokens": ANSWER_TOKENS, "temperature": 0, "stream": True}
        return [{"messages": [{"role": "user", "content": one}], **how} for one in self.samples.inputs]

    @property
    def originals(self) -> NDArray[Any]:
        """What the original says in a chat; nothing where its tokenizer has no template."""
        return np.asarray([], np.str_) if self.samples.chats is None else self.samples.chats

    def read(self, answer: httpx.Response) -> NDArray[Any]:
        """Return the text that the events make together."""
        lines = (line.removeprefix(_EVENT) for line in answer.text.splitlines() if line.startswith(_EVENT))
        chunks = (json.loads(line) for line in lines if line != _DONE)
        parts = (choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
        return np.asarray(["".join(parts)], np.str_)


def _told(deployment: Deployment, model: str) -> ServedModel | None:
    """Return what a server is told of a model."""
    manifest = deployment.artifacts[model].archive.with_name("manifest.json")
    return Manifest.model_validate_json(manifest.read_bytes()).packed
