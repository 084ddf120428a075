"""A model that reads a text with an encoder, once, and answers it token by token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from serving.decoder import PAST, Cache, Decoder
from serving.errors import ManifestError
from serving.runtimes import KeepingSession

if TYPE_CHECKING:
    from collections.abc import Sequence

    from serving.manifest import Manifest
    from serving.preprocess import Feeds
    from serving.runtimes import Session

_READ = ("input_ids", "attention_mask")


class Rewriter(Decoder):
    """Answers texts on two sessions: an encoder's, and a decoder's that looks at what the encoder made of a text.

    Args:
        manifest: Of the decoder's graph.
        session: That runs it.
        encoder: That runs the encoder's.
        start: Token that every answer begins after.
    """

    def __init__(self, manifest: Manifest, session: Session, encoder: Session, start: int) -> None:
        if not isinstance(encoder, KeepingSession):
            raise ManifestError(f"runtime: {manifest.runtime!r} has one output, postprocess 'rewrite' needs several")
        self._encoder, self._start = encoder, start
        self._text = [each.name for each in manifest.inputs if each.name.startswith(PAST) and ".encoder." in each.name]
        super().__init__(manifest, session, beside=self._text)
        if set(encoder.inputs) != set(_READ) or not set(self._text) <= set(encoder.outputs) or self._text == []:
            raise ManifestError("the encoder: takes or answers something else than what the decoder looks at")

    def read(self, feeds: Feeds) -> tuple[np.ndarray, Cache]:
        """Read whole texts, padded on the right; the logits are of each answer's first token."""
        text = self._encoder.run_all(self._text, {name: feeds[name] for name in _READ})
        past = self._nothing(len(text[0])) | dict(zip(self._text, text, strict=True))
        begun = np.full((len(text[0]), 1), self._start, np.int64)
        return self._run(begun, Cache(feeds["attention_mask"], past))

    def step(self, tokens: Sequence[int] | np.ndarray, cache: Cache) -> tuple[np.ndarray, Cache]:
        """Read one more token of each answer; the mask is the text's and stays."""
        return self._run(np.asarray(tokens, np.int64)[:, None], cache)
