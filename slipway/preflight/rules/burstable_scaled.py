from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.catalog import instance_types
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import INSTANCES, targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class BurstableScaled(Rule):
    """A fleet that is scaled runs on machines that do not live on CPU credits."""

    id = "BurstableScaled"
    severity = Severity.ERROR
    consequence = "RegisterScalableTarget is refused, and the stack rolls back."
    mend = "choose another type, such as ml.c7i.large"
    source = "SageMaker Developer Guide, auto scaling prerequisites (burstable instances), 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find scaled variants on burstable types."""
        for place in targets(template):
            variant = place.variant
            if variant is None or place.dimension != INSTANCES:
                continue
            machine = instance_types().get(str(variant.at("InstanceType")))
            if machine is not None and machine.burstable:
                message = f"'{machine.name}' runs on CPU credits, and '{place.resource.logical_id}' scales it"
                yield Violation(variant.config, (*variant.path, "InstanceType"), message)
