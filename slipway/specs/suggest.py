"""The nearest thing that would have been accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(received: str, accepted: Iterable[str], *, also: str = "") -> str:
    """Return ``, did you mean 'x'?`` for the nearest accepted word, or nothing.

    Args:
        received: What the user wrote.
        accepted: What would have been right.
        also: A repair to try first, such as the word with a forgotten prefix.
    """
    words = list(accepted)
    near = also if also in words else nearest(received, words)
    return "" if near is None else f", did you mean '{near}'?"


def nearest(received: str, accepted: Iterable[str]) -> str | None:
    """Return the accepted word that a slip of the hand would turn into the received one."""
    from difflib import get_close_matches  # only an error needs it

    near = get_close_matches(received, list(accepted), n=1, cutoff=0.6)
    return near[0] if near else None
