"""Tokens to text, piece by piece."""

from __future__ import annotations

from typing import Any

_UNFINISHED = "\ufffd"


class Spelling:
    """Text as it grows.

    Args:
        tokenizer: Of the model.
        stops: Text that ends it, and is not part of it.
    """

    def __init__(self, tokenizer: Any, stops: tuple[str, ...]) -> None:
        self._tokenizer = tokenizer
        self._stops = stops
        self._tokens: list[int] = []
        self.text = ""
        self.stopped = False

    def add(self, token: int) -> str:
        """Return what a token adds; nothing where it is a part of a letter that others finish."""
        self._tokens.append(token)
        text: str = self._tokenizer.decode(self._tokens, skip_special_tokens=True)
        places = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if places:
            self.stopped = True
            text = text[: min(places)]
        elif text.endswith(_UNFINISHED):
            return ""
        added = text[len(self.text) :]
        self.text = text
        return added

    def close(self) -> str:
        """Return what was held back, now that nothing more comes."""
        if self.stopped:
            return ""
        text: str = self._tokenizer.decode(self._tokens, skip_special_tokens=True)
        added, self.text = text[len(self.text) :], text
        return added
