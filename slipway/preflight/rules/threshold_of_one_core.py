from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.catalog.metrics import COUNTING
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number
from slipway.preflight.watching import watches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template
    from slipway.preflight.watching import Watch

WHOLE: Final = 100
WORDS: Final = {"vcpus": "cores", "gpus": "GPUs"}


class ThresholdOfOneCore(Rule):
    """A bound of CPU or GPU utilisation is meant for all cores or GPUs: the values are sums, 100 for each."""

    id = "ThresholdOfOneCore"
    severity = Severity.WARNING
    consequence = "The alarm fires, or the policy adds machines, while most of the machine is idle."
    mend = "multiply the percentage by the number of cores or GPUs of the type"
    source = "SageMaker Developer Guide, CloudWatch metrics of endpoints: CPUUtilization, GPUUtilization, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find bounds up to 100 of what goes up to 100 for each of several."""
        for watch in watches(template):
            bound = number(watch.bound)
            parts = _parts(watch)
            if bound is not None and 1 < bound <= WHOLE < parts * WHOLE:
                per = "" if watch.metric is None else WORDS[str(watch.metric.per)]
                message = f"{bound:g} is {bound / parts:.3g} % of the {parts} {per}, whose values are summed up"
                yield Violation(watch.resource, watch.bound_path, message)


def _parts(watch: Watch) -> int:
    """Return how many parts of a machine are summed up where that matters, 1 elsewhere."""
    comparison = watch.resource.at("ComparisonOperator") if watch.is_alarm else "GreaterThanThreshold"
    metric, machine = watch.metric, watch.source.machine
    if metric is None or metric.per is None or machine is None or str(watch.statistic) in COUNTING:
        return 1
    return (getattr(machine, metric.per) or 1) if str(comparison).startswith("GreaterThan") else 1
