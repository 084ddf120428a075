from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.alarming import COMPOSITE, alarm_named, alarm_names, looked_at
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.spelling import meant
from slipway.preflight.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Resource, Template


class CompositeBeforeItsAlarms(Rule):
    """The alarms that a composite alarm names are there when it is created."""

    id = "CompositeBeforeItsAlarms"
    severity = Severity.ERROR
    consequence = "PutCompositeAlarm is refused (alarms in the alarm rule do not exist), and the stack rolls back."
    mend = "refer to the alarms in the rule with Ref or Sub, or name them under DependsOn"
    source = "CloudWatch's answer to PutCompositeAlarm, as quoted in public issues, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find names that nothing waits for, and names that are misspelt."""
        for composite in template.of_kind(COMPOSITE):
            for name in looked_at(composite):
                why = _why(template, composite, name)
                if why is not None:
                    yield Violation(composite, ("AlarmRule",), why)


def _why(template: Template, composite: Resource, name: str) -> str | None:
    found = alarm_named(template, name)
    if found is None:
        near = meant(name, alarm_names(template)) if is_known(name) else None
        return None if near is None else f"there is no alarm '{name}', did you mean '{near}'?"
    if found is composite or template.references.waits(composite.logical_id, found.logical_id):
        return None
    return f"'{name}' is an alarm of this template that may be created later"
