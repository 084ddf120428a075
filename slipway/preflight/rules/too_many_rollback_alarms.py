from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

PATH: Final = ("DeploymentConfig", "AutoRollbackConfiguration", "Alarms")
MOST: Final = 10


class TooManyRollbackAlarms(Rule):
    """A rollout names at most ten alarms."""

    id = "TooManyRollbackAlarms"
    severity = Severity.ERROR
    consequence = "UpdateEndpoint is refused, and so is every later deployment."
    mend = "name ten, or a composite alarm"
    source = "SageMaker API reference, AutoRollbackConfig, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find rollouts with more."""
        for endpoint in template.of_kind(ENDPOINT):
            alarms = endpoint.at(*PATH)
            if isinstance(alarms, list) and len(alarms) > MOST:
                yield Violation(endpoint, PATH, f"{len(alarms)} alarms are named and at most {MOST} are accepted")
