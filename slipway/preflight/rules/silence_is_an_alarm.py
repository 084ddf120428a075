from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.watching import watches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template
    from slipway.preflight.watching import Watch


class SilenceIsAnAlarm(Rule):
    """Too much of something is not assumed where nobody asks: a quiet endpoint publishes nothing."""

    id = "SilenceIsAnAlarm"
    severity = Severity.WARNING
    consequence = "The alarm fires whenever there is no traffic, and calls back every rollout at night."
    mend = "set TreatMissingData to notBreaching"
    source = "CloudWatch User Guide, how alarms treat missing data, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find upper bounds of what requests publish, with missing data as breaching."""
        for watch in watches(template):
            if not watch.is_alarm or watch.metric is None or not _is_of_requests(watch):
                continue
            above = str(watch.resource.at("ComparisonOperator")).startswith("GreaterThan")
            if above and watch.resource.at("TreatMissingData") == "breaching":
                message = f"{watch.metric.name} has no values without requests, and that counts as too many"
                yield Violation(watch.resource, ("TreatMissingData",), message)


def _is_of_requests(watch: Watch) -> bool:
    """Leave machines alone, which are always measured, and queues."""
    return watch.namespace == "AWS/SageMaker" and {*(watch.dimensions or {})} != {"EndpointName"}
