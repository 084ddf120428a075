from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.alarming import COMPOSITE, actions, minded, minding_is_seen
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.watching import watches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class AlarmCallsNobody(Rule):
    """An alarm calls somebody, or something minds it: a rollout, a composite alarm, another resource."""

    id = "AlarmCallsNobody"
    severity = Severity.WARNING
    consequence = "The alarm fires and nobody is told."
    mend = "name a topic under AlarmActions"
    source = "CloudWatch User Guide, alarm actions, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find alarms without actions, or with actions that are switched off."""
        if not minding_is_seen(template):
            return
        hosting = {watch.resource.logical_id: watch.resource for watch in watches(template) if watch.is_alarm}
        for alarm in [*hosting.values(), *(template.of_kind(COMPOSITE) if hosting else [])]:
            if alarm.logical_id in minded(template) or alarm.logical_id in template.references.mentioned:
                continue
            if alarm.at("AlarmActions") in (None, []):
                yield Violation(alarm, ("AlarmActions",), "it calls nobody, and nothing here minds it")
            elif actions(alarm) and str(alarm.at("ActionsEnabled")).lower() == "false":
                yield Violation(alarm, ("ActionsEnabled",), "its actions are switched off")
