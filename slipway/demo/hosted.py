"""What an endpoint can be asked for, by the name that its callers use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.specs import (
    InferenceComponentsEndpointSpec,
    MultiContainerEndpointSpec,
    MultiModelEndpointSpec,
    PipelineEndpointSpec,
    RealtimeEndpointSpec,
)

if TYPE_CHECKING:
    from slipway.specs.endpoint import AnyEndpoint
    from slipway.specs.servers import ServerSpec


@dataclass(frozen=True)
class Hosted:
    """One thing that answers.

    Args:
        models: What a request passes, in this order; the last one's answer is returned.
        variant: Callers name it; None where they need not.
        container: Likewise.
        model: Likewise.
        component: Likewise.
        server: What reads the request and writes the answer.
    """

    models: tuple[str, ...]
    server: ServerSpec
    variant: str | None = None
    container: str | None = None
    model: str | None = None
    component: str | None = None

    @property
    def target(self) -> str | None:
        """What a front's path ends in; None where it ends in nothing."""
        return self.container or self.model or self.component


def hosted(spec: AnyEndpoint) -> list[Hosted]:
    """Return everything that an endpoint hosts."""
    if isinstance(spec, RealtimeEndpointSpec):
        return [Hosted((variant.model,), variant.server, variant=variant.name) for variant in spec.variants]
    if isinstance(spec, MultiContainerEndpointSpec):
        return [Hosted((container.model,), container.server, container=container.name) for container in spec.containers]
    if isinstance(spec, MultiModelEndpointSpec):
        return [Hosted((model,), spec.server, model=model) for model in spec.models or ()]
    if isinstance(spec, InferenceComponentsEndpointSpec):
        return [Hosted((component.model,), component.server, component=component.name) for component in spec.components]
    if isinstance(spec, PipelineEndpointSpec):
        return [Hosted(tuple(container.model for container in spec.containers), spec.containers[0].server)]
    return [Hosted((spec.model,), spec.server)]


def behind_front(spec: AnyEndpoint) -> list[Hosted]:
    """Return what a front is asked for: everything its path can name, else the first alone."""
    found = hosted(spec)
    return found if found[0].target is not None else found[:1]
