from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import COPIES, INSTANCES, WARM, targets
from slipway.preflight.scaling_policies import policies_of
from slipway.preflight.values import is_known
from slipway.preflight.watching import PREDEFINED
from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.scaling import Place
    from slipway.preflight.template import Template

METRICS: Final = {
    "SageMakerVariantInvocationsPerInstance": INSTANCES,
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": INSTANCES,
    "SageMakerVariantProvisionedConcurrencyUtilization": WARM,
    "SageMakerInferenceComponentInvocationsPerCopy": COPIES,
    "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution": COPIES,
}


class PredefinedMetricUnfit(Rule):
    """A predefined metric is one of the dimension that is scaled, and the kind of endpoint publishes it."""

    id = "PredefinedMetricUnfit"
    severity = Severity.ERROR
    consequence = "PutScalingPolicy is refused; for an asynchronous fleet it is taken and never adds an instance."
    mend = "track a metric of the dimension; of asynchronous fleets ApproximateBacklogSizePerInstance, customised"
    source = "Application Auto Scaling API reference, PredefinedMetricSpecification; SageMaker, async metrics, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find metrics of other dimensions, other services, and of requests that an asynchronous fleet never counts."""
        for place in targets(template):
            for policy in policies_of(template, place):
                name = policy.at(*PREDEFINED)
                why = _unfit(place, name) if isinstance(name, str) and is_known(name) else None
                if why is not None:
                    yield Violation(policy, PREDEFINED, why)


def _unfit(place: Place, name: str) -> str | None:
    dimension = METRICS.get(name)
    if dimension is None:
        return f"'{name}' is no metric of SageMaker{did_you_mean(name, METRICS)}"
    if place.dimension in METRICS.values() and dimension != place.dimension:
        return f"'{name}' is a metric of {dimension}, and the target is {place.dimension}"
    if place.kind == "async":
        return f"'{name}' counts requests that are answered at once, and this endpoint is asynchronous"
    return None
