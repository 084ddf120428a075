"""Servers that go on with texts, in LMI's schema of requests and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from slipway.specs.language_artifact import ANSWER_TOKENS
from slipway.specs.servers.base import ServerSpec

if TYPE_CHECKING:
    from slipway.specs.manifest import ServedModel


class TextsSpec(ServerSpec):
    """What DJL Serving's handlers for language models have in common: what they are asked, and what they say."""

    asks_singly: ClassVar[bool] = True

    @property
    def continues_text(self) -> bool:
        """It does."""
        return True

    def request(self, served: ServedModel | None, inputs: list[Any]) -> Any:  # noqa: ARG002  the files say it
        """Return a request that chance has no say in."""
        return {"inputs": inputs[0], "parameters": {"max_new_tokens": ANSWER_TOKENS, "do_sample": False}}

    def answer(self, served: ServedModel | None, document: Any) -> Any:  # noqa: ARG002  likewise
        """Return the answer as our own server gives those of several texts."""
        return {"generated_text": [document["generated_text"]]}
