"""Every model that an endpoint hosts, with the server that answers for it and the machines it runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from slipway.catalog import instance_types
from slipway.specs.containers import ContainersSpec
from slipway.specs.inference_components_endpoint import InferenceComponentsEndpointSpec
from slipway.specs.multi_model_endpoint import MultiModelEndpointSpec
from slipway.specs.realtime import RealtimeEndpointSpec
from slipway.specs.serverless import ServerlessEndpointSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.catalog import InstanceType
    from slipway.specs.base import Keys
    from slipway.specs.component import Component
    from slipway.specs.endpoint import AnyEndpoint
    from slipway.specs.servers import ServerSpec


class Hosted(NamedTuple):
    """One model in one container.

    Args:
        path: Of the mapping that names its server.
        model: Under ``models/``.
        server: What answers.
        machines: Where each instance type is written, and its name; none of a serverless endpoint.
        variables: Of the container, as the user wrote them.
        startup_seconds: What the user lets the container take to start; None where nobody said, or at another place.
        component: That shares its machines with others; None where the container has them for itself.
    """

    path: Keys
    model: str
    server: ServerSpec
    machines: list[tuple[Keys, str]]
    variables: Mapping[str, str]
    startup_seconds: int | None = None
    component: Component | None = None

    def machine(self, name: str) -> InstanceType:
        """Return what its container sees of a machine."""
        whole = instance_types()[name]
        return whole if self.component is None else self.component.share_of(whole)


def hosted(spec: AnyEndpoint) -> Iterator[Hosted]:
    """Yield every model of an endpoint of any kind."""
    if isinstance(spec, RealtimeEndpointSpec):
        for path, variant in spec.fleets():
            machines = [((*path, *key), name) for key, name in variant.machines()]
            own = variant.environment, variant.startup_timeout_seconds
            yield Hosted(path, variant.model, variant.server, machines, *own)
    elif isinstance(spec, ServerlessEndpointSpec):
        yield Hosted((), spec.model, spec.server, [], spec.environment)
    else:
        yield from _sharing(spec, [(("instance_type",), spec.instance_type)])


def answering(spec: AnyEndpoint, *, variant: str | None = None, model: str | None = None) -> Hosted | None:
    """Return what answers where a variant or a model is named; without either, what answers first.

    Returns:
        None: nothing that we know of does.
    """
    everything = list(hosted(spec))
    if variant is not None and isinstance(spec, RealtimeEndpointSpec):
        named = [one.name for one in spec.variants]
        return everything[named.index(variant)] if variant in named else None
    return next((one for one in everything if model in (None, one.model)), None)


def _sharing(spec: AnyEndpoint, machines: list[tuple[Keys, str]]) -> Iterator[Hosted]:
    """Yield the models of a kind whose machines are all of one type."""
    if isinstance(spec, ContainersSpec):
        for index, container in enumerate(spec.containers):
            yield Hosted(("containers", index), container.model, container.server, machines, container.environment)
    elif isinstance(spec, InferenceComponentsEndpointSpec):
        for index, component in enumerate(spec.components):
            own = component.environment, component.startup_timeout_seconds
            yield Hosted(("components", index), component.model, component.server, machines, *own, component)
    elif isinstance(spec, MultiModelEndpointSpec):
        for model in spec.models or ():
            yield Hosted((), model, spec.server, machines, spec.environment, spec.startup_timeout_seconds)
    elif not isinstance(spec, RealtimeEndpointSpec | ServerlessEndpointSpec):
        yield Hosted((), spec.model, spec.server, machines, spec.environment, spec.startup_timeout_seconds)
