"""How a variant's fleet follows its load."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from slipway.specs.base import Findings, Spec


class InstanceCount(Spec):
    """Bounds of a scaled fleet."""

    reasons: ClassVar[dict[str, str]] = {"min": "a real-time variant cannot be scaled to zero"}

    min: Annotated[int, Field(ge=1, le=1000)]
    """At least 1: a real-time variant cannot be scaled to zero."""
    max: Annotated[int, Field(ge=1, le=1000)]
    """Not less than min; the bill's upper bound."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        findings = Findings()
        if self.max < self.min:
            findings.add(
                ("max",), f"min is {self.min} and max is {self.max}: max must not be less", because=(("min",),)
            )
        findings.refuse()
        return self


class Scaling(Spec):
    """How a variant follows its load."""

    instances: InstanceCount
    track: Literal["concurrency", "invocations"]
    """``concurrency``: requests in flight per model, measured every 10 s. ``invocations``: per instance and minute."""
    target: Annotated[float, Field(gt=0, le=1_000_000)]
    """Value that the fleet is kept at, in the unit of ``track``."""
    scale_in_cooldown_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    """How long the fleet keeps its size before it shrinks again."""
    scale_out_cooldown_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """How long the fleet keeps its size before it grows again."""
