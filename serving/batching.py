"""Requests that come together, asked of the model at once: joined along the batch axis, and parted again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from serving import manifest as manifests
from serving.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from serving.manifest import Manifest
    from serving.model import Model
    from serving.preprocess import Feeds

MOST_UNASKED = 8
"""Inputs that are joined where nobody has said how many. Measured: beyond it four cores answer hardly more of them."""

_SAME = 1e-5  # of the largest number; sums of floats in another order differ by a tenth of it

MOST_PADDING = 1.25
"""Texts of different lengths are joined while they take at most so many times their own tokens."""


@dataclass(frozen=True, slots=True)
class Padding:
    """How a text is made longer.

    Args:
        values: What each tensor is filled up with.
        left: Whether before the text, not after it.
    """

    values: Mapping[str, int]
    left: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """One request whose tensors are ready.

    Args:
        place: In the order that the requests were given in.
        feeds: Its tensors.
        batch: Its inputs.
        seconds: That it took.
    """

    place: int
    feeds: Feeds
    batch: int
    seconds: float

    @property
    def length(self) -> int:
        """Tokens of its longest text, with padding."""
        return int(next(iter(self.feeds.values())).shape[1])


def settle(model: Model, most: int | None) -> int:
    """Return how many inputs of different requests the model is asked for at once.

    Args:
        model: That is loaded.
        most: What was asked for; None leaves it to the model, which joins requests only where each gets the answer
            that it gets alone. (One quantised dynamically, for one, has a scale for all that it is asked at once.)

    Raises:
        SettingError: If more than 1 was asked for and the model cannot do it.
    """
    if most is None:
        return MOST_UNASKED if _obstacle(model.manifest) is None and _same_together(model) else 1
    if most > 1:
        obstacle = _obstacle(model.manifest)
        if obstacle is not None:
            raise SettingError(f"SLIPWAY_BATCH_SIZE: {most} is not accepted, 1 is: {obstacle}")
        _require_two(model)
    return most


def _obstacle(manifest: Manifest) -> str | None:
    """Say why no request for this model can be joined with another."""
    if isinstance(manifest.postprocess, manifests.Generate):
        return f"{manifest.name!r} generates"
    for tensor in (*manifest.inputs, manifest.outputs[0]):
        if isinstance(tensor.shape[0], int):
            return f"{tensor.name!r} of {manifest.name!r} has a fixed batch of {tensor.shape[0]}"
    return None


def _require_two(model: Model) -> None:
    """Refuse a model that, whatever its manifest says, does not answer two requests at once."""
    feeds = model.example
    batch = len(next(iter(feeds.values())))
    two = [Prepared(place, feeds, batch, 0.0) for place in range(2)]
    try:
        found = len(model.ask(join(two, None)))
    except Exception as error:  # the runtimes' own exceptions share no public base
        reason = str(error).strip().partition("\n")[0]
        raise SettingError(f"SLIPWAY_BATCH_SIZE: the model does not take two requests at once: {reason}") from error
    if found != 2 * batch:
        raise SettingError(f"SLIPWAY_BATCH_SIZE: the model answers {2 * batch} inputs with {found} parts")


def _same_together(model: Model) -> bool:
    """Ask for the example and for another, each by itself and both at once, and compare."""
    one, other = model.example, _another(model.example, model.padding)
    batch = len(next(iter(one.values())))
    whole = join([Prepared(0, one, batch, 0.0), Prepared(1, other, batch, 0.0)], model.padding)
    try:
        alone = np.concatenate([model.run(one), model.run(other)])
        together = model.run(whole)
    except Exception:  # noqa: BLE001  the runtimes' own exceptions share no public base; it is asked one by one then
        return False
    return together.shape == alone.shape and bool(np.abs(together - alone).max() <= _SAME * np.abs(alone).max())


def _another(feeds: Feeds, padding: Padding | None) -> Feeds:
    """Return a request unlike the example that the model takes: backwards, and a shorter text or larger numbers."""
    if padding is None:
        return {name: tensor[..., ::-1] * 8 if tensor.dtype.kind == "f" else tensor for name, tensor in feeds.items()}
    return {
        name: np.ascontiguousarray(ids[:, ::-1][:, : max(1, ids.shape[1] * 9 // 10)]) for name, ids in feeds.items()
    }


def groups(requests: Sequence[Prepared], padding: Padding | None, most: int) -> Iterator[list[Prepared]]:
    """Yield requests that are worth joining: of one shape, or of texts whose lengths differ little.

    Args:
        requests: In any order.
        padding: How texts are made longer; None where that would change the answer.
        most: Inputs of a group; a request that has more stays by itself.
    """
    for alike in _alike(requests, padded=padding is not None):
        group: list[Prepared] = []
        inputs = tokens = 0
        for request in sorted(alike, key=lambda each: each.length) if padding is not None else alike:
            tokens += request.batch * request.length if padding is not None else 0
            inputs += request.batch
            wasteful = padding is not None and inputs * request.length > MOST_PADDING * tokens
            if group and (inputs > most or wasteful):
                yield group
                group, inputs = [], request.batch
                tokens = request.batch * request.length if padding is not None else 0
            group.append(request)
        yield group


def _alike(requests: Sequence[Prepared], *, padded: bool) -> Iterable[list[Prepared]]:
    kinds: dict[tuple[object, ...], list[Prepared]] = {}
    for request in requests:
        kind = tuple((name, each.shape[2 if padded else 1 :]) for name, each in request.feeds.items())
        kinds.setdefault(kind, []).append(request)
    return kinds.values()


def join(group: Sequence[Prepared], padding: Padding | None) -> Feeds:
    """Return the tensors of several requests as one's."""
    if padding is None:
        names = group[0].feeds
        return {name: np.concatenate([each.feeds[name] for each in group]) for name in names}
    longest, inputs = max(each.length for each in group), sum(each.batch for each in group)
    joined: Feeds = {}
    for name, first in group[0].feeds.items():
        whole = joined[name] = np.full((inputs, longest), padding.values[name], first.dtype)
        row = 0
        for each in group:
            place = slice(longest - each.length, None) if padding.left else slice(each.length)
            whole[row : row + each.batch, place] = each.feeds[name]
            row += each.batch
    return joined
