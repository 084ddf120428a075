from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.watching import watches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.catalog import Metric
    from slipway.preflight.template import Template

UNLISTED: Final = frozenset({"hosts", "components"})
"""Pages that name no statistics."""
ONE_OR_NONE: Final = frozenset({"Maximum", "Sum"})
"""Of a metric that is 0 or 1, they say whether there was any, and how many."""


class StatisticUnfit(Rule):
    """A metric is watched by a statistic that makes sense of it."""

    id = "StatisticUnfit"
    severity = Severity.WARNING
    consequence = "The alarm or the policy watches something else, such as requests in place of errors."
    mend = "use one of the statistics that AWS names for the metric"
    source = "SageMaker Developer Guide, CloudWatch metrics of endpoints: valid statistics, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find statistics that AWS does not name for the metric."""
        for watch in watches(template):
            metric, statistic = watch.metric, watch.statistic
            if metric is None or not isinstance(statistic, str) or watch.out_of_reach is not None:
                continue
            if not _makes_sense(metric, statistic):
                known = ", ".join(sorted(metric.statistics))
                message = f"{statistic} of {metric.name} says little: AWS names {known}"
                yield Violation(watch.resource, (*watch.stat_path, watch.statistic_key), message)


def _makes_sense(metric: Metric, statistic: str) -> bool:
    if metric.source in UNLISTED or metric.has(statistic):
        return True
    if statistic in ONE_OR_NONE and metric.most == 1:
        return True
    if statistic == "SampleCount" and metric.name == "Invocations":
        return True  # each request is a sample
    return not (statistic in {"Average", "Maximum", "Minimum", "SampleCount", "Sum"} or statistic.startswith("p"))
