"""What a job of SageMaker made of a built model, as ``artifacts.lock`` tells it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from slipway.specs.base import Spec
from slipway.specs.language_artifact import Sha256
from slipway.specs.location import Location
from slipway.specs.neo import NeoDevice


class Optimized(Spec):
    """What a job made, in S3; endpoints read it in the artifact's stead."""

    job: str
    """Its name on AWS."""
    settings: Sha256
    """Hash of what was asked for, by which a change of the spec is seen."""
    location: Location
    archive: str | None = None
    """Of SageMaker Neo: the one file there; none where all files of the folder are the model."""
    device: NeoDevice | None = None
    """Of SageMaker Neo: the family of machines that it runs on."""
    size_bytes: Annotated[int, Field(ge=1)]
    image: str | None = None
    """That SageMaker recommends to serve it."""
    proof: Literal["not made here"] = "not made here"
    """The lock's metric is of the artifact that the job was given, not of this."""
