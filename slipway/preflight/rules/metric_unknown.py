from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.publishing import Fault, rows
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.watching import watches
from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class MetricUnknown(Rule):
    """Alarms and policies watch metrics that hosting publishes."""

    id = "MetricUnknown"
    severity = Severity.ERROR
    consequence = "The alarm never sees a value, whatever happens, and a policy never scales."
    mend = "name a metric of SageMaker hosting, in its exact spelling"
    source = "SageMaker Developer Guide, CloudWatch metrics of endpoints, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find names that hosting publishes nothing under."""
        for watch in watches(template):
            near = did_you_mean(watch.name, rows()) if watch.fault is Fault.NAME else ""
            # An endpoint of another stack may publish metrics that its config switches on.
            if near or (watch.fault is Fault.NAME and watch.source.config is not None):
                message = f"hosting publishes no metric '{watch.name}'{near}"
                yield Violation(watch.resource, (*watch.path, "MetricName"), message)
