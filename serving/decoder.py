"""A model that goes on with texts: what it has read is kept as keys and values, so that a step reads one token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from serving.errors import ManifestError
from serving.runtimes import KeepingSession

if TYPE_CHECKING:
    from collections.abc import Sequence

    from serving.manifest import Manifest, Tensor
    from serving.preprocess import Feeds
    from serving.runtimes import Session

PAST, PRESENT = "past_key_values.", "present."
_KEYS_RANK = 4
_TOLD = ("input_ids", "attention_mask", "position_ids")


@dataclass(frozen=True, slots=True)
class Cache:
    """What a batch of texts left behind when it was read.

    Args:
        mask: Which of the places hold no padding, (batch, places).
        past: Keys and values by the name that the graph takes them under, (batch, heads, places, size) each.
    """

    mask: np.ndarray
    past: Feeds

    def keep(self, rows: Sequence[int]) -> Cache:
        """Return the cache of some of the texts."""
        return Cache(self.mask[rows], {name: tensor[rows] for name, tensor in self.past.items()})


class Decoder:
    """Reads texts, and then token after token, on one session; safe to call from several threads at once.

    Args:
        manifest: Of a graph that takes token ids with the keys and values of what came before, and answers logits with
            those of all that it has read since.
        session: That runs it.
        beside: Keys and values that it takes and does not add to.
            Default: none.
    """

    def __init__(self, manifest: Manifest, session: Session, *, beside: Sequence[str] = ()) -> None:
        if not isinstance(session, KeepingSession):
            raise ManifestError(
                f"runtime: {manifest.runtime!r} keeps nothing for the next token, postprocess 'generate' needs it"
            )
        self._session = session
        kept = [each for each in manifest.inputs if each.name.startswith(PAST) and each.name not in beside]
        self._empty = {tensor.name: _empty(tensor) for tensor in kept}
        self._takes_positions = any(tensor.name == "position_ids" for tensor in manifest.inputs)
        presents = [PRESENT + name.removeprefix(PAST) for name in self._empty]
        _require(manifest, session, presents)
        self._outputs = [manifest.outputs[0].name, *presents]

    def read(self, feeds: Feeds) -> tuple[np.ndarray, Cache]:
        """Read whole texts.

        Args:
            feeds: Token ids, padded on the left, and which of them are no padding.

        Returns:
            The logits of each text's next token, (batch, vocabulary), and what to go on with.
        """
        ids, mask = feeds["input_ids"], feeds["attention_mask"]
        return self._run(ids, Cache(mask, self._nothing(len(ids))))

    def step(self, tokens: Sequence[int] | np.ndarray, cache: Cache) -> tuple[np.ndarray, Cache]:
        """Read one more token of each text; returns as `read` does."""
        ids = np.asarray(tokens, np.int64)[:, None]
        return self._run(ids, Cache(np.concatenate([cache.mask, np.ones_like(ids)], axis=1), cache.past))

    def logits(self, feeds: Feeds) -> np.ndarray:
        """Return the logits for tensors that are ready for the graph, or for texts that nothing came before."""
        if feeds.keys() >= self._empty.keys():
            return self._session.run_all(self._outputs, feeds)[0]
        return self.read(feeds)[0]

    def follow(self, feeds: Feeds, tokens: np.ndarray) -> np.ndarray:
        """Return what the model says when it is made to go on as another did.

        Args:
            feeds: Texts, as for `read`.
            tokens: What each is made to say, (batch, steps).

        Returns:
            Logits before each of these tokens, (batch, steps, vocabulary).
        """
        logits, cache = self.read(feeds)
        found = [logits]
        for column in tokens.T[:-1]:
            logits, cache = self.step(column, cache)
            found.append(logits)
        return np.stack(found, axis=1)

    def _nothing(self, batch: int) -> Feeds:
        return {name: np.zeros((batch, *shape), dtype) for name, (shape, dtype) in self._empty.items()}

    def _run(self, ids: np.ndarray, cache: Cache) -> tuple[np.ndarray, Cache]:
        feeds = {"input_ids": ids, "attention_mask": cache.mask, **cache.past}
        if self._takes_positions:  # counted without the padding
            feeds["position_ids"] = np.maximum(cache.mask.cumsum(axis=1) - 1, 0)[:, -ids.shape[1] :]
        logits, *presents = self._session.run_all(self._outputs, feeds)
        if not np.isfinite(logits).all():
            raise FloatingPointError("the model's answer is not finite")
        return logits, Cache(cache.mask, cache.past | dict(zip(self._empty, presents, strict=True)))


def _empty(tensor: Tensor) -> tuple[tuple[int, int, int], np.dtype[np.generic]]:
    """Return the shape, without the batch, and the type of keys or values of nothing."""
    _, heads, places, size = tensor.shape if len(tensor.shape) == _KEYS_RANK else ("", "", 0, "")
    if not (isinstance(heads, int) and isinstance(places, str) and isinstance(size, int)):
        found = list(tensor.shape)
        raise ManifestError(f"inputs: {tensor.name!r} has shape {found}, accepted: [batch, 4, 'past', 16] or the like")
    return (heads, 0, size), np.dtype(tensor.dtype)


def _require(manifest: Manifest, session: Session, presents: list[str]) -> None:
    names = [tensor.name for tensor in manifest.inputs]
    if presents == [] or not {"input_ids", "attention_mask"} <= set(names):
        raise ManifestError("inputs: postprocess 'generate' needs input_ids, attention_mask and past_key_values.*")
    for name in names:
        if name not in _TOLD and not name.startswith(PAST):
            raise ManifestError(f"inputs: {name!r} is nothing that generating knows")
    for name in presents:
        if name not in session.outputs:
            raise ManifestError(f"outputs: the model has no {name!r} for the next step to go on with")
