from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ShadowScaled(Rule):
    """A shadow variant has a fixed fleet; it gets what its production variant gets."""

    id = "ShadowScaled"
    severity = Severity.WARNING
    consequence = "The two fleets differ in size, and so does what is compared; AWS scales production variants."
    mend = "scale the production variant, and give the shadow a count"
    source = "SageMaker Developer Guide, shadow variants and auto scaling; that it is of no use is our reading, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find scaled shadows."""
        for place in targets(template):
            if place.variant is not None and place.variant.shadow:
                yield Violation(place.resource, ("ResourceId",), f"'{place.variant_name}' is a shadow variant")
