from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.publishing import Fault, rows
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.watching import watches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class MetricInOtherNamespace(Rule):
    """Requests are counted in AWS/SageMaker, machines are measured in /aws/sagemaker/Endpoints."""

    id = "MetricInOtherNamespace"
    severity = Severity.ERROR
    consequence = "The alarm never sees a value, whatever happens, and a policy never scales."
    mend = "write the namespace that the metric is published in, exactly"
    source = "SageMaker Developer Guide, CloudWatch metrics of endpoints, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find metrics that are published elsewhere."""
        for watch in watches(template):
            if watch.fault is Fault.NAMESPACE:
                places = " or ".join(sorted({f"'{row.namespace}'" for row in rows()[watch.name]}))
                message = f"{watch.name} is published in {places}, not in '{watch.namespace}'"
                yield Violation(watch.resource, (*watch.path, "Namespace"), message)
