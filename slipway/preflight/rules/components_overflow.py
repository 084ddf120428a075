from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.placing import NEEDS, most_machines, needs_of, placed, room_of
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.template import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Template


class ComponentsOverflow(Rule):
    """All copies of the components of a variant fit into the machines that it may have."""

    id = "ComponentsOverflow"
    severity = Severity.ERROR
    consequence = "Copies wait for a place until the component fails, and the stack rolls back."
    mend = "raise MaxInstanceCount, or keep fewer or smaller copies"
    source = (
        "SageMaker API reference, InferenceComponentComputeResourceRequirements; the catalogue of instance types, "
        "2026-11"
    )

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find variants on which more is asked for than they can grow to."""
        asked: dict[tuple[str, Path, str], float] = {}
        for component, variant in placed(template):
            room, most = room_of(variant), most_machines(variant)
            copies = number(component.at("RuntimeConfig", "CopyCount"))
            for key, needed in needs_of(component).items():
                if most is None or copies is None or needed > room.get(key, 0):
                    continue
                place = (str(component.at("EndpointName")), variant.path, key)
                asked[place] = asked.get(place, 0) + needed * copies
                if asked[place] > room[key] * most:
                    has = f"{most:g} x '{variant.at('InstanceType')}' have {room[key] * most:g}"
                    message = f"the copies up to this one need {asked[place]:g} {NEEDS[key]} together and {has}"
                    yield Violation(component, ("RuntimeConfig", "CopyCount"), message)
