from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.values import is_known
from slipway.preflight.watching import watches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

COUNTED: Final = frozenset({"Count", "None"})
"""AWS's pages are not exact about which of the two a counting metric has."""


class UnitNeverMatches(Rule):
    """A unit, where one is given, is the one that the metric is published in."""

    id = "UnitNeverMatches"
    severity = Severity.ERROR
    consequence = "The alarm never sees a value: CloudWatch compares only those of that unit."
    mend = "remove the unit, and write the bound in the metric's own"
    source = "CloudWatch API reference, PutMetricAlarm: Unit, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find units that no value has."""
        for watch in watches(template):
            unit, metric = watch.stat.get("Unit"), watch.metric
            if metric is None or not isinstance(unit, str) or not is_known(unit):
                continue
            if unit != metric.unit and not {unit, metric.unit} <= COUNTED:
                message = f"{metric.name} is published in {metric.unit}, never in {unit}"
                yield Violation(watch.resource, (*watch.stat_path, "Unit"), message)
