"""From a resource's properties to a checked request, and from a worker thread to the event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.local_cloud import ministack_seams as seams
from slipway.local_cloud.api.shapes import check, coerced, service_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.local_cloud.places import Place

    Created = tuple[str, dict[str, Any]]

_NAME_LENGTH: Final = 63


def members(service: str, operation: str) -> tuple[str, ...]:
    """Return the names of an operation's members, which are those of the resource's properties."""
    return tuple(service_model(service).operation_model(operation).input_shape.members)


def request(service: str, operation: str, props: dict[str, Any]) -> dict[str, Any]:
    """Return properties as the request of an operation.

    Raises:
        ApiError: If the operation does not allow them.
    """
    shape = service_model(service).operation_model(operation).input_shape
    params: dict[str, Any] = coerced(shape, props)
    check(shape, params)
    return params


def named(property_name: str, logical_id: str, props: dict[str, Any], stack_name: str) -> dict[str, Any]:
    """Return properties with a generated name, unless they bring their own."""
    return {property_name: seams.physical_name(stack_name, logical_id, _NAME_LENGTH), **props}


def without(props: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return properties but for some."""
    return {name: value for name, value in props.items() if name not in names}


def call(operation: Callable[[Place, dict[str, Any]], Any], params: dict[str, Any]) -> dict[str, Any]:
    """Run an operation on the event loop, for the stack's own account and region."""

    async def run(place: Place) -> dict[str, Any]:
        answer: dict[str, Any] = operation(place, params)
        return answer

    answer: dict[str, Any] = seams.on_loop(run(seams.place()))
    return answer
