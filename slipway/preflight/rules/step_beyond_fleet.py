from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rollouts import fleet_of, step_path
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import ENDPOINT, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class StepBeyondFleet(Rule):
    """A step that is counted in instances is at most half of the fleet."""

    id = "StepBeyondFleet"
    severity = Severity.WARNING
    consequence = "UpdateEndpoint is refused, unless autoscaling has made the fleet larger by then."
    mend = "write a smaller step, or CAPACITY_PERCENT"
    source = "botocore, TrafficRoutingConfig and RollingUpdatePolicy: of the variant's total instance count, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find steps that are larger than half of what the variant starts with."""
        for endpoint in template.of_kind(ENDPOINT):
            path, fleet = step_path(endpoint), fleet_of(template, endpoint)
            if path is None or fleet is None or endpoint.at(*path, "Type") != "INSTANCE_COUNT":
                continue
            step = number(endpoint.at(*path, "Value"))
            if step is not None and fleet > 1 and step > fleet / 2:
                message = f"{step:g} instances are a step and the fleet has {fleet:g}, of which half is accepted"
                yield Violation(endpoint, (*path, "Value"), message)
