"""What only asynchronous endpoints are made of."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from slipway.specs.base import Findings, Spec
from slipway.specs.scaling import Cooldown
from slipway.specs.schedule import OffHours, Scheduled, check_clock, check_order


class Results(Spec):
    """What becomes of requests and answers in the endpoint's own bucket."""

    expire_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """After so many days requests, answers and failures are deleted."""


class AsyncInstanceCount(Spec):
    """Bounds of a fleet that may sleep."""

    min: Annotated[int, Field(ge=0, le=1000)]
    """0: the fleet is switched off while the queue is empty; the next request waits until it is up again."""
    max: Annotated[int, Field(ge=1, le=1000)]
    """Not less than min; the bill's upper bound."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        findings = Findings()
        check_order(findings, (), self.min, self.max)
        findings.refuse()
        return self


class AsyncOffHours(OffHours):
    """Hours in which the fleet may be smaller, or switched off."""

    reasons: ClassVar[dict[str, str]] = {}

    min: Annotated[int, Field(ge=0, le=1000)]
    """Least machines meanwhile; 0: none while the queue is empty."""
    max: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Most machines meanwhile; 0: none, and requests wait until the hours end. Default: as many as at other times."""


class AsyncScheduled(Scheduled):
    """Bounds that the fleet takes at a time and keeps until other bounds are scheduled."""

    reasons: ClassVar[dict[str, str]] = {}

    min: Annotated[int, Field(ge=0, le=1000)]
    """Least machines from then on; 0: none while the queue is empty."""
    max: Annotated[int, Field(ge=0, le=1000)]
    """Most machines from then on; 0: none, and requests wait."""


class AsyncScaling(Spec):
    """How the fleet follows its queue."""

    impossible: ClassVar[dict[str, str]] = {
        "track": "an asynchronous endpoint is scaled by its queue, since SageMaker counts nothing else of it: "
        "remove the key",
    }

    instances: AsyncInstanceCount
    target: Annotated[float, Field(gt=0, le=1_000_000)]
    """Requests waiting or in work per instance that the fleet is kept at."""
    scale_in_cooldown_seconds: Cooldown = 300
    """How long the fleet keeps its size before it shrinks again."""
    scale_out_cooldown_seconds: Cooldown = 60
    """How long the fleet keeps its size before it grows again, be it from nothing."""
    off_hours: AsyncOffHours | None = None
    """Absent: the bounds hold at all hours."""
    schedule: Annotated[tuple[AsyncScheduled, ...], Field(max_length=20)] = ()
    """Bounds at times of the user's own."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings, count = Findings(), self.instances
        check_clock(findings, count.min, count.max, self.off_hours, self.schedule)
        findings.refuse()
        return self

    @property
    def may_sleep(self) -> bool:
        """Whether there are hours in which the fleet may have no machine at all."""
        bounds = (self.instances, self.off_hours, *self.schedule)
        return any(one is not None and one.min == 0 for one in bounds)
