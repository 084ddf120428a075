from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.alarming import actions
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.watching import watches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template
    from slipway.preflight.watching import Watch

BAD: Final = frozenset(
    {
        "ExpiredRequests",
        "HasBacklogWithoutCapacity",
        "Invocation4XXErrors",
        "Invocation5XXErrors",
        "InvocationFailures",
        "InvocationModelErrors",
        "NoCapacityInvocationFailures",
        "NotificationFailures",
        "RequestDownloadFailures",
        "ResponseUploadFailures",
    }
)
"""What nobody wants any of."""


class FiresWhenWell(Rule):
    """An alarm on errors fires when there are many of them, not when there are few."""

    id = "FiresWhenWell"
    severity = Severity.ERROR
    consequence = "The alarm fires while all is well, and is over when errors begin."
    mend = "compare with GreaterThanThreshold"
    source = "CloudWatch API reference, PutMetricAlarm: ComparisonOperator, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find alarms that call somebody when there are few errors."""
        for watch in watches(template):
            if watch.is_alarm and watch.out_of_reach is None and actions(watch.resource) and _is_backwards(watch):
                yield Violation(watch.resource, ("ComparisonOperator",), f"it fires when {watch.name} is low")


def _is_backwards(watch: Watch) -> bool:
    comparison = watch.resource.at("ComparisonOperator")
    return (
        watch.compared
        and watch.metric is not None
        and watch.metric.name in BAD
        and str(comparison).startswith("LessThan")
    )
