"""Jobs that SageMaker alone can do: refused in one line, so that nobody waits for one here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import invalid

if TYPE_CHECKING:
    from slipway.local_cloud.places import Place

    from .wire import Answer, Operation


def operations() -> dict[str, Operation]:
    """Return every operation by its name."""
    return {"CreateCompilationJob": _refused("compilation"), "CreateOptimizationJob": _refused("optimization")}


def _refused(kind: str) -> Operation:
    def create(_place: Place, _params: dict[str, Any]) -> Answer:
        raise invalid(f"the local cloud cannot run {kind} jobs: what they do is SageMaker's own")

    return create
