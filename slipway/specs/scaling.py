"""How a variant's fleet follows its load."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from slipway.specs.base import Findings, Spec
from slipway.specs.schedule import NOT_ZERO, OffHours, Schedule, check_clock, check_order
from slipway.specs.text import Shape

Label = Annotated[str, Field(min_length=1, max_length=255)]
Cooldown = Annotated[int, Field(ge=0, le=3600)]


class InstanceCount(Spec):
    """Bounds of a scaled fleet."""

    reasons: ClassVar[dict[str, str]] = NOT_ZERO

    min: Annotated[int, Field(ge=1, le=1000)]
    """At least 1: a real-time variant cannot be scaled to zero."""
    max: Annotated[int, Field(ge=1, le=1000)]
    """Not less than min; the bill's upper bound."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        findings = Findings()
        check_order(findings, (), self.min, self.max)
        findings.refuse()
        return self


class Metric(Spec):
    """A CloudWatch metric of the user's choice."""

    namespace: Annotated[
        str,
        Shape(
            r"^[^:\s][^\s]{0,254}$", "a namespace: at most 255 characters without spaces, not beginning with a colon"
        ),
        Field(examples=["/aws/sagemaker/Endpoints"]),
    ]
    """Where it is published."""
    name: Annotated[Label, Field(examples=["CPUUtilization"])]
    """What it is called there."""
    statistic: Literal["average", "minimum", "maximum", "sum", "sample-count"]
    """What is made of a minute's values."""
    dimensions: Annotated[dict[Label, Label], Field(min_length=1, max_length=30)] | None = None
    """Whose values. Default: ``EndpointName`` and ``VariantName`` of the scaled variant."""


class LoadScaling(Spec):
    """The fleet is kept at a load that SageMaker measures."""

    impossible: ClassVar[dict[str, str]] = {
        "metric": "this load has a metric of SageMaker's own: remove the key, or write 'track: custom'"
    }

    instances: InstanceCount
    track: Literal["concurrency", "invocations"]
    """``concurrency``: requests in flight per model, measured every 10 s. ``invocations``: per instance and minute."""
    target: Annotated[float, Field(gt=0, le=1_000_000)]
    """Value that the fleet is kept at, in the unit of ``track``."""
    scale_in_cooldown_seconds: Cooldown = 300
    """How long the fleet keeps its size before it shrinks again."""
    scale_out_cooldown_seconds: Cooldown = 60
    """How long the fleet keeps its size before it grows again."""
    off_hours: OffHours | None = None
    """Absent: the bounds hold at all hours."""
    schedule: Schedule = ()
    """Bounds at times of the user's own."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        _check_time(self)
        return self


class MetricScaling(Spec):
    """The fleet is kept at a value of a metric, which must fall when the fleet grows."""

    instances: InstanceCount
    track: Literal["custom"]
    """A metric of the user's choice."""
    metric: Metric
    target: Annotated[float, Field(gt=0, le=1_000_000_000)]
    """Value that the fleet is kept at, in the metric's own unit."""
    scale_in_cooldown_seconds: Cooldown = 300
    """How long the fleet keeps its size before it shrinks again."""
    scale_out_cooldown_seconds: Cooldown = 60
    """How long the fleet keeps its size before it grows again."""
    off_hours: OffHours | None = None
    """Absent: the bounds hold at all hours."""
    schedule: Schedule = ()
    """Bounds at times of the user's own."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        _check_time(self)
        return self


class Growth(Spec):
    """Machines that are added above a value."""

    above: float
    """In the metric's own unit."""
    add: Annotated[int, Field(ge=1, le=1000)]
    """How many."""


class Shrinkage(Spec):
    """Machines that are removed below a value."""

    below: float
    """In the metric's own unit."""
    remove: Annotated[int, Field(ge=1, le=1000)]
    """How many."""


class StepScaling(Spec):
    """The fleet grows and shrinks by steps as a metric passes the user's own bounds."""

    impossible: ClassVar[dict[str, str]] = {
        "target": "steps have bounds of their own: write 'grow' and 'shrink', or 'track: custom'"
    }

    instances: InstanceCount
    track: Literal["step"]
    """Bounds of the user's own."""
    metric: Metric
    grow: Annotated[tuple[Growth, ...], Field(min_length=1, max_length=20)]
    """The highest bound that is passed decides."""
    shrink: Annotated[tuple[Shrinkage, ...], Field(min_length=1, max_length=20)]
    """The lowest bound that is passed decides; all are below those of ``grow``."""
    for_minutes: Annotated[int, Field(ge=1, le=60)] = 3
    """How long the metric must be beyond a bound."""
    scale_in_cooldown_seconds: Cooldown = 300
    """How long the fleet keeps its size before it shrinks again."""
    scale_out_cooldown_seconds: Cooldown = 60
    """How long the fleet keeps its size before it grows again."""
    off_hours: OffHours | None = None
    """Absent: the bounds hold at all hours."""
    schedule: Schedule = ()
    """Bounds at times of the user's own."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        _check_apart(findings, "grow", "above", [step.above for step in self.grow])
        _check_apart(findings, "shrink", "below", [step.below for step in self.shrink])
        low, high = max(step.below for step in self.shrink), min(step.above for step in self.grow)
        if low >= high:
            message = f"the fleet would shrink below {low:g} and grow above {high:g}: leave room between the two"
            findings.add(("shrink",), message, because=(("grow",),))
        findings.refuse()
        _check_time(self)
        return self


Scaling = Annotated[LoadScaling | MetricScaling | StepScaling, Field(discriminator="track")]
AnyScaling = LoadScaling | MetricScaling | StepScaling


def _check_time(scaling: AnyScaling) -> None:
    findings, count = Findings(), scaling.instances
    check_clock(findings, count.min, count.max, scaling.off_hours, scaling.schedule)
    findings.refuse()


def _check_apart(findings: Findings, key: str, bound: str, values: list[float]) -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            findings.add((key, index, bound), f"{value:g} is given twice: one step for each bound")
