"""What an artifact is asked, so that its answers can be held against the original's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from serving.manifest import Generate

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_build.tasks import Samples
    from serving.manifest import Manifest
    from serving.model import Model

ANSWERED: Final = 16
"""Tokens of an answer from the server: enough to be a text, few enough for a large model on one thread."""


class Asking:
    """Samples as an artifact gets them, named by their place.

    A model that goes on with texts is made to say what the original says: only where both are at the same place can
    what they think likely be compared.

    Args:
        samples: The inputs.
        expected: What the original answers.
    """

    def __init__(self, samples: Samples, expected: np.ndarray) -> None:
        self._inputs, self._expected = samples.inputs, expected

    def answers(self, model: Model, places: Sequence[int]) -> np.ndarray:
        """Return an answer for each place, asked in one batch."""
        inputs = [self._inputs[place] for place in places]
        if model.generator is None:
            return model.predict(inputs)
        said = self._expected[list(places)].argmax(axis=-1)
        return model.generator.decoder.follow(model.preprocess(inputs), said)


def wishes(manifest: Manifest) -> dict[str, Any]:
    """Return the ``parameters`` of a request that shall not take long; empty where a model takes none."""
    after = manifest.postprocess
    return {"max_new_tokens": min(ANSWERED, after.max_new_tokens)} if isinstance(after, Generate) else {}
