"""How many copies of a serverless container are kept warm."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from slipway.specs.base import Findings, Spec
from slipway.specs.bounds import as_in_variant
from slipway.specs.schedule import check_order

Concurrency = Annotated[int, as_in_variant("ServerlessConfig", "ProvisionedConcurrency")]


class ProvisionedCount(Spec):
    """Bounds of a scaled provisioned concurrency."""

    reasons: ClassVar[dict[str, str]] = {"min": "an endpoint that keeps nothing warm has no scaling: remove 'scaling'"}

    min: Concurrency
    """At least 1."""
    max: Concurrency
    """Not less than min, not more than ``max_concurrency``."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        findings = Findings()
        check_order(findings, (), self.min, self.max)
        findings.refuse()
        return self


class ProvisionedScaling(Spec):
    """How the provisioned concurrency follows its use."""

    impossible: ClassVar[dict[str, str]] = {
        "instances": "a serverless endpoint has no instances: write 'provisioned: {min, max}'",
        "track": "a serverless endpoint follows the use of what is provisioned: remove the key",
    }
    reasons: ClassVar[dict[str, str]] = {"target": "it is a share of what is provisioned, so that 0.7 is 70 %"}

    provisioned: ProvisionedCount
    target: Annotated[float, Field(gt=0, lt=1)] = 0.7
    """Share of the provisioned concurrency that is kept in use."""
    scale_in_cooldown_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    """How long the concurrency stays before it shrinks again."""
    scale_out_cooldown_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """How long the concurrency stays before it grows again."""
