"""Whether an endpoint can be where an environment puts it, and hold the artifact that it is given."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, TypeAlias

from slipway.catalog import instance_types
from slipway.specs.inference_components_endpoint import InferenceComponentsEndpointSpec
from slipway.specs.multi_model_endpoint import MultiModelEndpointSpec
from slipway.specs.multi_model_rules import too_large
from slipway.specs.realtime import RealtimeEndpointSpec
from slipway.specs.serverless import ServerlessEndpointSpec
from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.async_endpoint import AsyncEndpointSpec
    from slipway.specs.base import Keys
    from slipway.specs.component import Component
    from slipway.specs.containers import ContainersSpec
    from slipway.specs.document import Document
    from slipway.specs.endpoint import AnyEndpoint
    from slipway.specs.environment import EnvironmentSpec
    from slipway.specs.errors import Problem

    OnInstances: TypeAlias = (
        RealtimeEndpointSpec
        | AsyncEndpointSpec
        | ContainersSpec
        | MultiModelEndpointSpec
        | InferenceComponentsEndpointSpec
    )

MIB = 1 << 20
MOST_NAME_CHARACTERS: Final = 63


def placement_problems(spec: AnyEndpoint, document: Document, environment: EnvironmentSpec) -> Iterator[Problem]:
    """Find what the environment's region and network make impossible."""
    if isinstance(spec, InferenceComponentsEndpointSpec):
        yield from _long_names(spec, document, environment.name_prefix)
    if not isinstance(spec, ServerlessEndpointSpec):
        yield from _not_sold(spec, document, environment.region)
    elif environment.network is not None and spec.outside_vpc is None:
        message = (
            "a serverless endpoint cannot be in the environment's VPC: accept it with 'outside_vpc: <reason>', "
            "use kind: realtime, or leave_out the endpoint there"
        )
        yield document.problem(("kind",), message)


def size_problems(spec: AnyEndpoint, document: Document, artifacts: Mapping[str, Artifact]) -> Iterator[Problem]:
    """Find artifacts that do not fit into the memory which they are given."""
    if isinstance(spec, MultiModelEndpointSpec):
        yield from (document.problem(path, message) for path, message in too_large(spec, artifacts))
        return
    for path, models, memory_mib in _rooms(spec):
        size_bytes = sum(artifacts[model].locked.archive.size_bytes for model in models if model in artifacts)
        if memory_mib is None or size_bytes <= memory_mib * MIB:
            continue
        size, names = -(-size_bytes // MIB), ", ".join(f"'{model}'" for model in models)
        subject, verbs = ("artifact", ("is", "does")) if len(models) == 1 else ("artifacts", ("are", "do"))
        message = (
            f"the {subject} of {names} {verbs[0]} {size:,} MiB packed and {verbs[1]} not fit into {memory_mib:,} MiB: "
            "choose more"
        )
        yield document.problem(path, message)


def _rooms(spec: AnyEndpoint) -> list[tuple[Keys, list[str], int | None]]:
    """Return where memory is written, the models that share it, and how much it is; None where that is not known."""
    if isinstance(spec, ServerlessEndpointSpec):
        return [(("memory_mib",), [spec.model], spec.memory_mib)]
    if isinstance(spec, InferenceComponentsEndpointSpec):
        return [
            (("components", index, "memory_mib"), [component.model], _most_memory(component))
            for index, component in enumerate(spec.components)
        ]
    return [(path, models, instance_types()[machine].memory_mib) for path, models, machine in machines(spec)]


def _most_memory(component: Component) -> int:
    return component.memory_mib if component.max_memory_mib is None else component.max_memory_mib


def machines(spec: OnInstances) -> list[tuple[Keys, list[str], str]]:
    """Return where each instance type is written, the models that it hosts together, and its name."""
    if isinstance(spec, RealtimeEndpointSpec):
        return [
            ((*path, *key), [variant.model], machine)
            for path, variant in spec.fleets()
            for key, machine in variant.machines()
        ]
    return [(("instance_type",), [model for _, model in spec.hosted_models()], spec.instance_type)]


def _long_names(spec: InferenceComponentsEndpointSpec, document: Document, prefix: str) -> Iterator[Problem]:
    """Find components whose name in the account is longer than SageMaker takes."""
    endpoint = prefix + PurePosixPath(document.file).stem
    for index, component in enumerate(spec.components):
        name = f"{endpoint}-{component.name}"
        if len(name) > MOST_NAME_CHARACTERS:
            message = (
                f"its name in the account would be '{name}', which has {len(name)} characters, at most "
                f"{MOST_NAME_CHARACTERS} are accepted: use a shorter name"
            )
            yield document.problem(("components", index, "name"), message)


def _not_sold(spec: OnInstances, document: Document, region: str) -> Iterator[Problem]:
    for path, _, name in machines(spec):
        machine = instance_types()[name]
        if region not in machine.regions:
            like = [other.name for other in instance_types().values() if _like(other, machine, region)]
            hint = did_you_mean(machine.name, like)
            message = f"'{machine.name}' is not sold for hosting in {region}{hint}"
            yield document.problem(path, message)


def _like(other: InstanceType, machine: InstanceType, region: str) -> bool:
    return region in other.regions and not other.arm64 and bool(other.gpus) == bool(machine.gpus)
