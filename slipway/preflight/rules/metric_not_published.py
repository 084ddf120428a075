from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.publishing import Fault, rows
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.watching import watches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template
    from slipway.preflight.watching import Watch


class MetricNotPublished(Rule):
    """An alarm or a policy watches a metric that its kind of endpoint publishes."""

    id = "MetricNotPublished"
    severity = Severity.ERROR
    consequence = "The alarm never sees a value, whatever happens, and a policy never scales."
    mend = "watch a metric that this kind of endpoint publishes"
    source = "SageMaker Developer Guide, CloudWatch metrics of real-time, serverless and async endpoints, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find metrics of other kinds of endpoint, and of GPUs where there are none."""
        for watch in watches(template):
            if watch.fault is Fault.KIND:
                yield Violation(watch.resource, (*watch.path, "MetricName"), _why(watch))


def _why(watch: Watch) -> str:
    kinds = sorted({kind for row in rows()[watch.name] if row.namespace == watch.namespace for kind in row.kinds})
    if watch.source.kind in kinds and watch.source.machine is not None:
        return f"{watch.name} is measured on GPUs, and '{watch.source.machine.name}' has none"
    return f"{watch.name} is published by {', '.join(kinds)} endpoints, and this one is {watch.source.kind}"
