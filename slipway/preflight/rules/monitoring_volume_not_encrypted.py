from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.monitoring import cluster, jobs, resources
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class MonitoringVolumeNotEncrypted(Rule):
    """Volumes of monitoring jobs are encrypted with a customer's key."""

    id = "MonitoringVolumeNotEncrypted"
    severity = Severity.WARNING
    consequence = "Captured requests lie on disks under a key that nobody can audit or revoke."
    mend = "set VolumeKmsKeyId"
    source = "SageMaker API reference, MonitoringClusterConfig: VolumeKmsKeyId, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find job definitions and schedules without a key."""
        for resource, path in jobs(template):
            if cluster(resource, path) and cluster(resource, path).get("VolumeKmsKeyId") is None:
                yield Violation(resource, (*path, *resources(path), "VolumeKmsKeyId"), "no key is given")
