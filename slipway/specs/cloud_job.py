"""What a model may ask of SageMaker after its build: a second thing beside the artifact, which nothing here proves."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from slipway.specs.base import Spec

if TYPE_CHECKING:
    from slipway.specs.base import Findings


class CloudJob(Spec):
    """A job of SageMaker over a built model. Where and what of it is no part of the artifact's digest."""

    key: ClassVar[str]
    """What asks for it in model.yaml."""
    reasons: ClassVar[dict[str, str]] = {
        "max_runtime_minutes": "SageMaker ends a job after 28 days at the latest",
    }

    where: Literal["sagemaker"]
    """Such jobs run nowhere else."""
    max_runtime_minutes: Annotated[int, Field(ge=1, le=40320)] = 720
    """After so long the job is ended, and has failed."""
    unproved: bool = False
    """What the job makes passes no gate, since nothing here loads it; whoever takes it says so with true, and without
    that it is refused."""

    def settings(self, digest: str) -> str:
        """Return the hash of what is asked for, which the job is found by.

        Args:
            digest: Of the artifact that it is made of.
        """
        asked = self.model_dump(mode="json", exclude={"max_runtime_minutes", "unproved"}, exclude_none=True)
        return hashlib.sha256(json.dumps({"digest": digest, "asked": asked}, sort_keys=True).encode()).hexdigest()

    def check_acknowledged(self, findings: Findings) -> None:
        """Refuse a job that is not said to be unproved."""
        if not self.unproved:
            message = "what the job makes passes no gate here: to take it all the same, write 'unproved: true'"
            findings.add(("unproved",) if "unproved" in self.model_fields_set else (), message)
