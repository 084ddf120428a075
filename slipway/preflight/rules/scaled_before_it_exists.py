from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ScaledBeforeItExists(Rule):
    """A scalable target waits for the endpoint, or the component, that it scales."""

    id = "ScaledBeforeItExists"
    severity = Severity.ERROR
    consequence = "The target is registered before the endpoint exists: that is refused, and the stack rolls back."
    mend = "name the endpoint under DependsOn, or refer to it in ResourceId"
    source = "CloudFormation User Guide, DependsOn; Application Auto Scaling, RegisterScalableTarget, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find targets whose endpoint is only named."""
        for place in targets(template):
            scaled = place.endpoint or place.component
            if scaled is not None and not template.references.waits(place.resource.logical_id, scaled.logical_id):
                message = f"it only names '{scaled.logical_id}', so that nothing makes it wait for it"
                yield Violation(place.resource, ("ResourceId",), message)
