"""Endpoints of several containers, one of which the caller chooses."""

from __future__ import annotations

from typing import ClassVar, Literal

from slipway.specs.containers import ContainersSpec, impossible


class MultiContainerEndpointSpec(ContainersSpec):
    """A multi-container endpoint: several models side by side on one fleet; each request names its container."""

    impossible: ClassVar[dict[str, str]] = impossible("a multi-container endpoint")

    kind: Literal["multi-container"]
    """Several containers on every machine; the caller names the one that answers."""
