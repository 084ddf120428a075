"""How many machine-hours a month an endpoint's fleets take, at least and at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from slipway.specs.hosted import hosted
from slipway.specs.inference_components_endpoint import InferenceComponentsEndpointSpec
from slipway.specs.realtime import RealtimeEndpointSpec
from slipway.specs.serverless import ServerlessEndpointSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.specs.endpoint import AnyEndpoint
    from slipway.specs.servers import ServerSpec

HOURS_A_MONTH: Final = 730
"""As AWS counts a month: 8,760 hours a year by twelve."""


@dataclass(frozen=True)
class Fleet:
    """Machines that run for one model of an endpoint, or that it shares with others.

    Args:
        endpoint: Its name.
        part: Of the endpoint: ``variants[0]``; empty where it has one fleet.
        instance_type: Of each machine, the one that is preferred.
        server: What answers for the model.
        least: Machines at the quietest time.
        most: Machines at the busiest.
    """

    endpoint: str
    part: str
    instance_type: str
    server: ServerSpec
    least: int
    most: int

    @property
    def hours(self) -> tuple[int, int]:
        """Instance-hours a month, at least and at most."""
        return self.least * HOURS_A_MONTH, self.most * HOURS_A_MONTH

    def line(self) -> str:
        """Say it."""
        least, most = self.hours
        count = f"{self.least}" if self.least == self.most else f"{self.least} to {self.most}"
        hours = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        where = f"{self.endpoint} {self.part}".strip()
        return f"{where}: {count} x {self.instance_type} = {hours} instance-hours a month"

    def as_dict(self) -> dict[str, Any]:
        """Everything, for machines."""
        return {
            "endpoint": self.endpoint,
            "part": self.part,
            "instance_type": self.instance_type,
            "server": self.server.name,
            "instances": {"least": self.least, "most": self.most},
            "instance_hours_a_month": {"least": self.hours[0], "most": self.hours[1]},
        }


def fleets(name: str, spec: AnyEndpoint, model: str) -> Iterator[Fleet]:
    """Yield the fleets of an endpoint that host a model; serverless has none.

    Args:
        name: Of the endpoint.
        spec: As its environment has it.
        model: Under ``models/``.
    """
    if isinstance(spec, ServerlessEndpointSpec):
        return
    counts = list(_counts(spec))
    for index, each in enumerate(hosted(spec)):
        if each.model == model:
            part = "".join(f"[{key}]" if isinstance(key, int) else key for key in each.path)
            yield Fleet(name, part, each.machines[0][1], each.server, *counts[index if len(counts) > 1 else 0])


def _counts(spec: Any) -> Iterator[tuple[int, int]]:
    """Yield the bounds of each fleet, in the order of what they host; one where all share it."""
    if isinstance(spec, RealtimeEndpointSpec):
        for path, variant in spec.fleets():
            scaling = spec.scaling_of(variant) if path[0] == "variants" else None
            yield _bounds(scaling, variant.instances)
    elif isinstance(spec, InferenceComponentsEndpointSpec):
        yield spec.instances.min, spec.instances.max
    else:
        yield _bounds(spec.scaling, spec.instances)


def _bounds(scaling: Any, instances: int | None) -> tuple[int, int]:
    if scaling is None:
        fixed = 1 if instances is None else instances
        return fixed, fixed
    off = getattr(scaling, "off_hours", None)
    all_bounds = [scaling.instances, *getattr(scaling, "schedule", ()), *(() if off is None else (off,))]
    return min(it.min for it in all_bounds), max(it.max or 0 for it in all_bounds)
