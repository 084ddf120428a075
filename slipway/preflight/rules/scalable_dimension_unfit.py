from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import COPIES, INSTANCES, OF_COMPONENT, OF_VARIANT, WARM, targets
from slipway.preflight.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.scaling import Place
    from slipway.preflight.template import Template, Variant

KNOWN: Final = (INSTANCES, WARM, COPIES)


class ScalableDimensionUnfit(Rule):
    """Variants scale instances, serverless ones provisioned concurrency, inference components copies."""

    id = "ScalableDimensionUnfit"
    severity = Severity.ERROR
    consequence = "RegisterScalableTarget is refused, and the stack rolls back."
    mend = "write the dimension that the resource has; ServiceNamespace is sagemaker"
    source = "Application Auto Scaling User Guide, Amazon SageMaker AI, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find dimensions that the scaled resource has not."""
        for place in targets(template):
            namespace = place.resource.at("ServiceNamespace")
            if isinstance(namespace, str) and is_known(namespace) and namespace != "sagemaker":
                yield Violation(place.resource, ("ServiceNamespace",), f"'{namespace}' is given and it is 'sagemaker'")
            why = _unfit(place) if place.dimension is not None and is_known(place.dimension) else None
            if why is not None:
                yield Violation(place.resource, ("ScalableDimension",), f"'{place.dimension}' is given, and {why}")


def _unfit(place: Place) -> str | None:
    if place.dimension not in KNOWN:
        return f"SageMaker knows {', '.join(KNOWN)}"
    if OF_COMPONENT.fullmatch(place.resource_id or "") and place.dimension != COPIES:
        return "an inference component has copies"
    if OF_VARIANT.fullmatch(place.resource_id or "") and place.dimension == COPIES:
        return "a variant has instances, not copies"
    return None if place.variant is None else _unfit_for(place.variant, place.dimension)


def _unfit_for(variant: Variant, dimension: str) -> str | None:
    serverless = variant.at("ServerlessConfig")
    if dimension == INSTANCES:
        return "the variant is serverless" if isinstance(serverless, dict) else None
    if dimension == WARM and serverless is None:
        return "the variant is not serverless"
    if dimension == WARM and variant.at("ServerlessConfig", "ProvisionedConcurrency") is None:
        return "the variant has no provisioned concurrency to scale"
    return None
