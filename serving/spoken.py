"""What one text has been gone on with so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from serving.sampling import Wishes

_CONTEXT = 8
"""Tokens of the prompt that new ones are read together with: whether a word begins with a space its neighbours tell."""
_BROKEN = "\ufffd"


class Spoken:
    """The tokens and the text that follow one prompt.

    Args:
        tokenizer: Makes text of tokens.
        index: Of the prompt in the request.
        prompt: Its tokens.
        wishes: What ends it, and what its draws are seeded with.
    """

    def __init__(self, tokenizer: Tokenizer, index: int, prompt: list[int], wishes: Wishes) -> None:
        self.index, self.tokens, self.text, self.reason = index, list[int](), "", ""
        self.random = np.random.default_rng(None if wishes.seed is None else (wishes.seed, index))
        self._tokenizer, self._stops = tokenizer, wishes.stop
        self._before = prompt[-_CONTEXT:]
        self._skip = len(tokenizer.decode(self._before))
        self._told = 0

    def take(self, token: int | None, reason: str) -> None:
        """Go on with a token; a reason ends it, and so does one of the texts that it shall stop at."""
        if token is not None:
            self.tokens.append(token)
        self.reason = reason
        if reason == "" and self._stops == ():
            return  # nobody looks at the text yet
        self._read()
        places = [place for place in (self.text.find(stop) for stop in self._stops) if place >= 0]
        if places:
            self.text, self.reason = self.text[: min(places)], "stop"

    def news(self) -> str:
        """Return what of the text was not told yet and cannot change any more."""
        if self.reason == "":
            self._read()
        sure = len(self.text) if self.reason != "" else self._sure()
        news = self.text[self._told : sure]
        self._told = max(self._told, sure)
        return news

    def _read(self) -> None:
        self.text = self._tokenizer.decode([*self._before, *self.tokens])[self._skip :]

    def _sure(self) -> int:
        """Return up to where the text stands: not within a character, nor within what may become a stop."""
        text = self.text.rstrip(_BROKEN)
        sizes = (size for stop in self._stops for size in range(1, len(stop)) if text.endswith(stop[:size]))
        return len(text) - max(sizes, default=0)
