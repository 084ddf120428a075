from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class RollbackWithoutAlarms(Rule):
    """A rollout that shall roll back names the alarms that call it back."""

    id = "RollbackWithoutAlarms"
    severity = Severity.WARNING
    consequence = (
        "It is deployed, and rolls back only if the new fleet does not start, whatever the new version answers."
    )
    mend = "name alarms under AutoRollbackConfiguration.Alarms"
    source = "SageMaker Developer Guide, deployment guardrails: auto-rollback, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find guarded rollouts without any."""
        for endpoint in template.of_kind(ENDPOINT):
            deployment = endpoint.at("DeploymentConfig")
            if not isinstance(deployment, dict) or not {"BlueGreenUpdatePolicy", "RollingUpdatePolicy"} & {*deployment}:
                continue
            if endpoint.at("DeploymentConfig", "AutoRollbackConfiguration", "Alarms") in (None, []):
                yield Violation(endpoint, ("DeploymentConfig",), "the rollout names no alarm that could call it back")
