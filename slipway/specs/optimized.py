"""What an optimization job made of an artifact, as ``artifacts.lock`` tells it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from slipway.specs.base import Spec
from slipway.specs.language_artifact import Sha256
from slipway.specs.location import Location


class Optimized(Spec):
    """Files in S3 that a job made of a language model's, in whose stead endpoints read them."""

    job: str
    """Its name on AWS."""
    settings: Sha256
    """Hash of what was asked for, by which a change of the spec is seen."""
    location: Location
    size_bytes: Annotated[int, Field(ge=1)]
    image: str | None = None
    """That SageMaker recommends to serve them."""
    proof: Literal["not made here"] = "not made here"
    """The lock's metric is of the artifact that the job was given, not of these files."""
