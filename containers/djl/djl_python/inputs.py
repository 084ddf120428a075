"""One request, as a handler sees it."""

from __future__ import annotations

import io
import json
from typing import Any


class Input:
    """A request, or the call that means that the model is to be loaded: that one is empty.

    Args:
        properties: The model's; those of a request, such as ``Content-Type``, stand beside them.
        content: The body; None: the call is empty.
    """

    def __init__(self, properties: dict[str, str], content: bytes | None = None) -> None:
        self._properties = properties
        self._content = content

    def is_empty(self) -> bool:
        """Tell whether there is nothing but properties."""
        return self._content is None

    def get_properties(self) -> dict[str, str]:
        """Return all properties."""
        return self._properties

    def get_property(self, key: str, default: str | None = None) -> str | None:
        """Return one property, whatever its letters' case."""
        found = {name.lower(): value for name, value in self._properties.items()}
        return found.get(key.lower(), default)

    def get_as_bytes(self) -> bytes:
        """Return the body."""
        return self._content or b""

    def get_as_string(self) -> str:
        """Return the body as text."""
        return self.get_as_bytes().decode()

    def get_as_json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.get_as_bytes())

    def get_as_numpy(self) -> Any:
        """Return the body, an ``.npy`` or ``.npz``, as a list of arrays."""
        import numpy as np

        found = np.load(io.BytesIO(self.get_as_bytes()), allow_pickle=False)
        return [found] if isinstance(found, np.ndarray) else [found[name] for name in found.files]

    def is_batch(self) -> bool:
        """Tell whether it holds several requests; here it never does."""
        return False

    def get_batches(self) -> list[Input]:
        """Return each request by itself."""
        return [self]
