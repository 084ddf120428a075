"""Endpoints of several containers that every request passes one after the other."""

from __future__ import annotations

from typing import ClassVar, Literal

from slipway.specs.containers import ContainersSpec, impossible


class PipelineEndpointSpec(ContainersSpec):
    """A serial inference pipeline: what one container answers, the next is asked; the last one's answer is returned."""

    impossible: ClassVar[dict[str, str]] = impossible("a pipeline")

    kind: Literal["pipeline"]
    """Several containers on every machine; a request passes all of them in their order."""
