from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.alarming import ROLLBACK, parts_of, rollback_alarms
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import ENDPOINT
from slipway.preflight.watching import watched_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Resource, Template


class RollbackAlarmOfOtherEndpoint(Rule):
    """At least one of the alarms that call a rollout back watches the endpoint that is rolled out."""

    id = "RollbackAlarmOfOtherEndpoint"
    severity = Severity.ERROR
    consequence = "The rollout never rolls back for what its own new fleet does, and may for what another one does."
    mend = "name an alarm on this endpoint's metrics"
    source = "SageMaker Developer Guide, deployment guardrails: auto-rollback, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find rollouts all of whose alarms watch other endpoints of the template."""
        for endpoint in template.of_kind(ENDPOINT):
            names = [name for _, name in rollback_alarms(endpoint)]
            watched = [_endpoints(template, name) for name in names]
            if names and all(found and None not in found and endpoint not in found for found in watched):
                others = sorted({each.logical_id for found in watched for each in found if each is not None})
                yield Violation(endpoint, ROLLBACK, f"every alarm watches another endpoint: {', '.join(others)}")


def _endpoints(template: Template, name: str) -> list[Resource | None]:
    """Return the endpoints that an alarm watches; None among them where one is not known."""
    parts = parts_of(template, name)
    found = [watch.source.endpoint for part in parts for watch in watched_by(template).get(part.logical_id, [])]
    return found if len(found) >= len(parts) else [None]
