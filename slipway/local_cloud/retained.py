"""What an update keeps of the fleet that it replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .endpoint import Endpoint
    from .fleet import Fleet


def retain(endpoint: Endpoint, fleet: Fleet, params: dict[str, Any]) -> None:
    """Give the new fleet's variants the weights and counts of the old variants of the same name, if asked to.

    Args:
        endpoint: Its fleet in service is the old one.
        fleet: The new one; changed in place.
        params: The ``UpdateEndpoint`` request.
    """
    if not params.get("RetainAllVariantProperties", False) or endpoint.fleet is None:
        return
    excluded = {entry["VariantPropertyType"] for entry in params.get("ExcludeRetainedVariantProperties", [])}
    for name, old in endpoint.fleet.variants.items():
        new = fleet.variants.get(name)
        if new is not None and "DesiredWeight" not in excluded:
            new.weight = old.weight
        if new is not None and "DesiredInstanceCount" not in excluded:
            new.count = old.count
