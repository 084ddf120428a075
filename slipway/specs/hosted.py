"""Every model that an endpoint hosts, with the server that answers for it and the machines it runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from slipway.specs.containers import ContainersSpec
from slipway.specs.inference_components_endpoint import InferenceComponentsEndpointSpec
from slipway.specs.multi_model_endpoint import MultiModelEndpointSpec
from slipway.specs.realtime import RealtimeEndpointSpec
from slipway.specs.serverless import ServerlessEndpointSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.specs.base import Keys
    from slipway.specs.endpoint import AnyEndpoint
    from slipway.specs.servers import ServerSpec


class Hosted(NamedTuple):
    """One model in one container.

    Args:
        path: Of the mapping that names its server.
        model: Under ``models/``.
        server: What answers.
        machines: Where each instance type is written, and its name; none of a serverless endpoint.
    """

    path: Keys
    model: str
    server: ServerSpec
    machines: list[tuple[Keys, str]]


def hosted(spec: AnyEndpoint) -> Iterator[Hosted]:
    """Yield every model of an endpoint of any kind."""
    if isinstance(spec, RealtimeEndpointSpec):
        for path, variant in spec.fleets():
            machines = [((*path, *key), name) for key, name in variant.machines()]
            yield Hosted(path, variant.model, variant.server, machines)
    elif isinstance(spec, ServerlessEndpointSpec):
        yield Hosted((), spec.model, spec.server, [])
    else:
        machine: tuple[Keys, str] = (("instance_type",), spec.instance_type)
        for path, model, server in _sharing(spec):
            yield Hosted(path, model, server, [machine])


def _sharing(spec: AnyEndpoint) -> Iterator[tuple[Keys, str, ServerSpec]]:
    """Yield the models of a kind whose machines are all of one type."""
    if isinstance(spec, ContainersSpec):
        for index, container in enumerate(spec.containers):
            yield ("containers", index), container.model, container.server
    elif isinstance(spec, InferenceComponentsEndpointSpec):
        for index, component in enumerate(spec.components):
            yield ("components", index), component.model, component.server
    elif isinstance(spec, MultiModelEndpointSpec):
        for model in spec.models or ():
            yield (), model, spec.server
    elif not isinstance(spec, RealtimeEndpointSpec | ServerlessEndpointSpec):
        yield (), spec.model, spec.server
