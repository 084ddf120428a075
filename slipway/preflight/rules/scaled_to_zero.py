from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.scaling import INSTANCES, WARM, actions_of, targets
from slipway.preflight.template import number, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.scaling import Place
    from slipway.preflight.template import Path, Template


class ScaledToZero(Rule):
    """Only asynchronous fleets and inference components are scaled to none."""

    id = "ScaledToZero"
    severity = Severity.ERROR
    consequence = "Application Auto Scaling refuses it, and the stack rolls back: a variant keeps at least one."
    mend = "write at least 1, make the endpoint asynchronous, or host the model as an inference component"
    source = "SageMaker Developer Guide, register a model (min-capacity) and scale to zero instances, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find other variants whose least capacity is 0, by the clock too."""
        for place in targets(template):
            if _keeps_one(place):
                for path in _zeroes(place):
                    yield Violation(place.resource, path, "0 is given and such a variant keeps at least 1")


def _keeps_one(place: Place) -> bool:
    if place.config is None or place.variant is None or place.dimension not in (INSTANCES, WARM):
        return False
    # A variant without a model hosts inference components, and its instances are another matter.
    return place.config.at("AsyncInferenceConfig") is None and place.variant.at("ModelName") is not None


def _zeroes(place: Place) -> Iterator[Path]:
    if number(place.resource.at("MinCapacity")) == 0:
        yield ("MinCapacity",)
    for path, action in actions_of(place):
        if number(value_at(action, ("ScalableTargetAction", "MinCapacity"))) == 0:
            yield (*path, "ScalableTargetAction", "MinCapacity")
