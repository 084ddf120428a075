from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.hosting import kind_of
from slipway.preflight.monitoring import watches
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class MonitorOfManyModels(Rule):
    """Model Monitor watches endpoints that host one model."""

    id = "MonitorOfManyModels"
    severity = Severity.ERROR
    consequence = "The monitoring jobs mix the requests of all models, and their findings are about none."
    mend = "watch an endpoint of one model"
    source = "SageMaker Developer Guide, model-monitor: only endpoints that host a single model, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find watches over multi-model and multi-container endpoints."""
        for resource, path, config in watches(template):
            kind = kind_of(template, config)
            if kind in ("multi-model", "multi-container"):
                yield Violation(resource, path, f"the endpoint is {kind} and Model Monitor watches one model")
