"""Who answers a request: the fleet by its share, then the variant by its weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from .fleet import Fleet
    from .variant import Variant


class NoVariantError(Exception):
    """No variant of that name, or none with any weight."""


@dataclass(frozen=True)
class Traffic:
    """How traffic is split now.

    Args:
        current: The fleet in service.
        incoming: The fleet that an update brings in, if one is under way.
        incoming_percent: Its share.
    """

    current: Fleet
    incoming: Fleet | None = None
    incoming_percent: float = 0.0

    def choose(self, target: str | None, dice: random.Random) -> Variant:
        """Return the variant for the next request.

        Args:
            target: The variant that the caller insists on, None for any.
            dice: Decides; weight 0 is never drawn.

        Raises:
            NoVariantError: If there is none.
        """
        fleet = self.current
        if self.incoming is not None and dice.uniform(0, 100) < self.incoming_percent:
            fleet = self.incoming
        return _targeted(self, fleet, target) if target is not None else _weighted(fleet, dice)

    def shadow_of(self, variant: Variant, dice: random.Random) -> Variant | None:
        """Return the shadow that gets a copy of a variant's request, None where the draw or the fleet gives none."""
        for fleet in (self.current, self.incoming):
            if fleet is not None and fleet.shadow is not None and fleet.variants.get(variant.name) is variant:
                return fleet.shadow if dice.uniform(0, variant.weight) < fleet.shadow.weight else None
        return None


def _targeted(traffic: Traffic, drawn: Fleet, target: str) -> Variant:
    for fleet in (drawn, traffic.current, traffic.incoming):
        if fleet is not None and target in fleet.variants:
            return fleet.variants[target]
    raise NoVariantError


def _weighted(fleet: Fleet, dice: random.Random) -> Variant:
    candidates = [variant for variant in fleet.variants.values() if variant.weight > 0]
    if not candidates:
        raise NoVariantError
    return dice.choices(candidates, [variant.weight for variant in candidates])[0]
