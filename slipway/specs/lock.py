"""``artifacts.lock``: which artifact each model is, and what was measured; written by the build, reviewed."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import yaml
from pydantic import Field

from slipway.specs.base import Name, Spec
from slipway.specs.language_artifact import LockedLanguage
from slipway.specs.location import Location
from slipway.specs.manifest import Archive, BenchmarkRow, Manifest, Sha256
from slipway.specs.model import Target
from slipway.specs.optimized import Optimized
from slipway.specs.scalar import FLOAT
from slipway.specs.task import Metric

HEADER = "# Written by `slipway build`; commit it, do not edit it.\n"


class _Dumper(yaml.SafeDumper):
    """Quotes what our reader takes for a number though PyYAML does not, such as ``12e3``."""


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+.0123456789"))


class LockedModel(Spec):
    """One model's artifact and its measured facts."""

    digest: Sha256
    sources: Sha256
    """Hash of the spec and its folder, by which synth sees that the model changed and was not rebuilt."""
    target: Target
    archive: Archive
    reference_bytes: Annotated[int, Field(ge=1)]
    metric: Metric
    value: float
    bound: float | None = None
    """What the metric is at least with 95 % confidence."""
    recipe: str
    chosen: str = ""
    """Name of the recipe that a search kept; empty where there was none. A later build of the same digest takes it
    without searching again."""
    layout: Literal["prefix"] | None = None
    """``prefix``: the artifact is files under one prefix, not an archive."""
    sm: int | None = None
    """Architecture of the GPUs that its engine runs on, and on no others; none where it is not bound to one."""
    benchmark: tuple[BenchmarkRow, ...]
    per_token: tuple[BenchmarkRow, ...] | None = None
    """Of models that generate; none for others."""
    cold_start_ms: float | None = None
    """From the start of the server's process to its first answer."""
    peak_memory_bytes: int | None = None
    """Of that process."""
    location: Location | None = None
    """Where the artifact stays that is too large to be copied; none where it is deployed from this machine."""
    language: LockedLanguage | None = None
    """Of language models: what servers are told by; none for others."""
    optimized: Optimized | None = None
    """What an optimization job made of it, which endpoints read in its stead; none where the spec asks for none."""

    @classmethod
    def from_manifest(cls, manifest: Manifest, sources: str, location: Location | None = None) -> Self:
        """Take from a manifest what a reviewer should see.

        Args:
            manifest: Of the artifact.
            sources: Hash of what it was built from.
            location: Where it stays.
                Default: it is on this machine.
        """
        return cls(
            digest=manifest.served.digest,
            sources=sources,
            target=manifest.served.target,
            archive=manifest.archive,
            reference_bytes=manifest.reference_bytes,
            metric=manifest.proof.metric,
            value=manifest.proof.value,
            bound=manifest.proof.bound,
            recipe=manifest.recipe,
            chosen=next((each.recipe for each in manifest.tried if each.outcome == "kept"), ""),
            layout=None if manifest.language is None else "prefix",
            sm=_sm(manifest),
            benchmark=manifest.benchmark,
            per_token=manifest.per_token or None,
            cold_start_ms=None if manifest.server is None else manifest.server.cold_start_ms,
            peak_memory_bytes=None if manifest.server is None else manifest.server.peak_memory_bytes,
            location=location,
            language=None if manifest.language is None else LockedLanguage.of(manifest.language),
        )

    @property
    def read_at(self) -> Location | None:
        """Where in S3 endpoints read it; None where it is deployed from this machine."""
        return self.location if self.optimized is None else self.optimized.location

    @property
    def size_ratio(self) -> float:
        """Size of the archive against the original's weights; smaller is better."""
        return self.archive.size_bytes / self.reference_bytes


def _sm(manifest: Manifest) -> int | None:
    options = {} if manifest.packed is None else manifest.packed.options
    return int(options["sm"]) if "sm" in options else None


class Lock(Spec):
    """Every built model."""

    version: Literal[1] = 1
    models: dict[Name, LockedModel] = {}

    def text(self) -> str:
        """The file's text: sorted, so that equal locks are equal bytes."""
        return HEADER + yaml.dump(
            self.model_dump(mode="json", exclude_none=True), Dumper=_Dumper, sort_keys=True, width=120
        )
