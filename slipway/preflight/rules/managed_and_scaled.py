from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import INSTANCES, targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ManagedAndScaled(Rule):
    """The instances of a variant have one master: managed instance scaling, or a scalable target."""

    id = "ManagedAndScaled"
    severity = Severity.WARNING
    consequence = "Two controllers set one count: SageMaker by what it places, Application Auto Scaling by a metric."
    mend = "scale the copies of the components, and leave the instances to ManagedInstanceScaling"
    source = "SageMaker Developer Guide, inference components, 2026-11; that AWS accepts both is a guess"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find variants with both."""
        for place in targets(template):
            variant = place.variant
            if variant is None or place.dimension != INSTANCES:
                continue
            if variant.at("ManagedInstanceScaling", "Status") == "ENABLED":
                message = f"'{place.variant_name}' has ManagedInstanceScaling, which sets its instances already"
                yield Violation(place.resource, ("ScalableDimension",), message)
