from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.alarming import ALARM, alarm_named, baking_seconds, rollback_alarms, seconds_to_fire
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class RollbackAlarmTooSlow(Rule):
    """An alarm that calls a rollout back can fire before the old fleet is gone."""

    id = "RollbackAlarmTooSlow"
    severity = Severity.WARNING
    consequence = "The rollout is over before the alarm has seen enough of the new fleet to fire."
    mend = "lengthen WaitIntervalInSeconds or TerminationWaitInSeconds, or let the alarm need fewer datapoints"
    source = "SageMaker Developer Guide, deployment guardrails: baking period, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find alarms that take longer than the rollout minds them."""
        for endpoint in template.of_kind(ENDPOINT):
            baking = baking_seconds(endpoint)
            for path, name in rollback_alarms(endpoint):
                alarm = alarm_named(template, name)
                needed = seconds_to_fire(alarm) if alarm is not None and alarm.kind == ALARM else None
                if baking is not None and needed is not None and needed > baking:
                    message = f"the alarm needs {needed:g} s to fire and the rollout minds it for {baking:g} s"
                    yield Violation(endpoint, path, message)
