from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.monitoring import cluster, jobs
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class MonitoringTrafficNotEncrypted(Rule):
    """Monitoring jobs on several instances encrypt what these send each other."""

    id = "MonitoringTrafficNotEncrypted"
    severity = Severity.WARNING
    consequence = "Captured requests go from instance to instance in the clear."
    mend = "set NetworkConfig.EnableInterContainerTrafficEncryption"
    source = "Security Hub SageMaker.15, and .9, .10 and .13, which ask it of one instance too, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find job definitions and schedules of several instances that do not."""
        for resource, path in jobs(template):
            value = resource.at(*path, "NetworkConfig", "EnableInterContainerTrafficEncryption")
            several = (number(cluster(resource, path).get("InstanceCount")) or 1) > 1
            if several and (value is None or str(value).lower() == "false"):
                place = (*path, "NetworkConfig", "EnableInterContainerTrafficEncryption")
                yield Violation(resource, place, "the job's instances send each other data in the clear")
