from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.monitoring import jobs
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class MonitoringNotIsolated(Rule):
    """Monitoring jobs are cut off from every network but SageMaker's own."""

    id = "MonitoringNotIsolated"
    severity = Severity.WARNING
    consequence = "A container that is taken over can send out what was captured."
    mend = "set NetworkConfig.EnableNetworkIsolation"
    source = "Security Hub SageMaker.11, .12 and .14, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find job definitions and schedules that are not."""
        for resource, path in jobs(template):
            value = resource.at(*path, "NetworkConfig", "EnableNetworkIsolation")
            if value is None or str(value).lower() == "false":
                yield Violation(resource, (*path, "NetworkConfig", "EnableNetworkIsolation"), "the job is not isolated")
