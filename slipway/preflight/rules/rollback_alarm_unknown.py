from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.alarming import alarm_named, alarm_names, rollback_alarms
from slipway.preflight.hosting import COMPONENT
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.spelling import meant
from slipway.preflight.template import ENDPOINT
from slipway.preflight.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class RollbackAlarmUnknown(Rule):
    """The alarms that call a rollout back are spelt as where they are defined."""

    id = "RollbackAlarmUnknown"
    severity = Severity.ERROR
    consequence = "No such alarm ever fires: the rollout fails at once, or never rolls back."
    mend = "refer to the alarm with Ref instead of writing its name"
    source = "SageMaker API reference, AutoRollbackConfig, 2026-11; what becomes of unknown alarms is a guess"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find names that differ by a slip from that of an alarm here."""
        for endpoint in template.of_kind(ENDPOINT, COMPONENT):
            for path, name in rollback_alarms(endpoint):
                if is_known(name) and alarm_named(template, name) is None:
                    near = meant(name, alarm_names(template))
                    if near is not None:
                        yield Violation(endpoint, path, f"there is no alarm '{name}', did you mean '{near}'?")
