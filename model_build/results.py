from __future__ import annotations

from typing import TYPE_CHECKING, Self

from slipway.specs.base import Spec
from slipway.specs.manifest import BenchmarkRow
from slipway.specs.task import Metric

if TYPE_CHECKING:
    from slipway.specs import Manifest


class BuildResult(Spec):
    """What ``slipway build --format json`` says of one model."""

    name: str
    digest: str
    built: bool
    """False where the artifact was there already."""
    size_bytes: int
    """Of the archive."""
    reference_bytes: int
    """Of the original's weights."""
    metric: Metric
    value: float
    recipe: str
    benchmark: tuple[BenchmarkRow, ...]
    per_token: tuple[BenchmarkRow, ...] = ()

    @classmethod
    def from_manifest(cls, manifest: Manifest, *, built: bool) -> Self:
        """Take from an artifact's manifest what a user wants to see."""
        return cls(
            name=manifest.served.name,
            digest=manifest.served.digest,
            built=built,
            size_bytes=manifest.archive.size_bytes,
            reference_bytes=manifest.reference_bytes,
            metric=manifest.proof.metric,
            value=manifest.proof.value,
            recipe=manifest.recipe,
            benchmark=manifest.benchmark,
            per_token=manifest.per_token,
        )
