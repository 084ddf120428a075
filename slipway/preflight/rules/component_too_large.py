from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.placing import NEEDS, needs_of, placed, room_of
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class ComponentTooLarge(Rule):
    """A copy of an inference component fits into one machine of its variant."""

    id = "ComponentTooLarge"
    severity = Severity.ERROR
    consequence = "The component is never placed: it fails for want of capacity, and the stack rolls back."
    mend = "ask for less, or choose a larger type"
    source = (
        "SageMaker API reference, InferenceComponentComputeResourceRequirements; the catalogue of instance types, "
        "2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find copies that no machine of the variant holds."""
        for component, variant in placed(template):
            room = room_of(variant)
            for key, needed in needs_of(component).items():
                if key in room and needed > room[key]:
                    has = f"'{variant.at('InstanceType')}' has {room[key]:g}"
                    message = f"one copy needs {needed:g} {NEEDS[key]} and {has}"
                    yield Violation(component, ("Specification", "ComputeResourceRequirements", key), message)
