"""Whether an endpoint's machines have the GPU that an artifact is made for, and a server that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.catalog import NoImageError, instance_types
from slipway.specs.containers import ContainersSpec
from slipway.specs.gpu import families, sm_of
from slipway.specs.hosted import hosted
from slipway.specs.multi_model_endpoint import MultiModelEndpointSpec
from slipway.specs.serverless import ServerlessEndpointSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.component import Component
    from slipway.specs.document import Document
    from slipway.specs.endpoint import AnyEndpoint
    from slipway.specs.environment import EnvironmentSpec
    from slipway.specs.errors import Problem
    from slipway.specs.hosted import Hosted


def architecture_problems(
    spec: AnyEndpoint, document: Document, artifacts: Mapping[str, Artifact]
) -> Iterator[Problem]:
    """Find artifacts for a GPU where there is none or another, and those that the server does not read."""
    for each in hosted(spec):
        if each.model not in artifacts:
            continue
        artifact = artifacts[each.model]
        if artifact.locked.target == "gpu":
            yield from _gpu_problems(spec, document, each, artifact)
        yield from _server_problems(document, each, artifact)
        yield from _time_problems(document, each, artifact)
        if each.server.installs(artifact) and getattr(spec, "network_isolation", False):
            message = f"'{each.server.name}' installs packages as it starts, and an isolated container reaches no index"
            mend = "write 'network_isolation: false', or have them in an image of your own"
            yield document.problem((*each.path, "server"), f"{message}: {mend}")
        if artifact.locked.layout == "prefix" and isinstance(spec, ServerlessEndpointSpec):
            message = f"the artifact of '{each.model}' is files side by side, and serverless takes an archive alone"
            yield document.problem(("kind",), f"{message}: use kind: realtime")
        if artifact.locked.target == "llm" and isinstance(spec, ContainersSpec | MultiModelEndpointSpec):
            message = f"a language model takes a container and its GPUs for itself, and {spec.kind} shares them"
            yield document.problem((*each.path, "server"), f"{message}: use kind: realtime")


def server_problems(spec: AnyEndpoint, document: Document, environment: EnvironmentSpec) -> Iterator[Problem]:
    """Find what the servers of an endpoint cannot do whatever they serve: talk, be had in a region, be told twice."""
    for each in hosted(spec):
        for name in each.variables:
            if name.startswith(each.server.own_variables):
                said = f"'{name}' is an option of '{each.server.name}': write it below 'server', where it is checked"
                yield document.problem((*each.path, "environment", name), said)
        for name, message in each.server.unread(each.variables):
            yield document.problem((*each.path, "environment", name), message)
        if spec.front is not None and spec.front.chats and not each.server.speaks_chat:
            message = f"'{each.server.name}' does not speak OpenAI's chat completions: use 'server: lmi'"
            yield document.problem((*each.path, "server"), message)
        if each.server.name not in environment.images:
            yield from _image_problems(document, each, environment.region)


def _image_problems(document: Document, each: Hosted, region: str) -> Iterator[Problem]:
    try:
        if each.server.image(region, None) is None:
            each.server.build_arguments(region, None)  # ours, which may be built on one of AWS's
    except NoImageError as error:
        yield document.problem((*each.path, "server"), str(error))


def _time_problems(document: Document, each: Hosted, artifact: Artifact) -> Iterator[Problem]:
    """Find a container that SageMaker gives up before its server does."""
    least = each.server.least_startup_seconds(artifact)
    if each.startup_seconds is not None and each.startup_seconds < least:
        message = f"{each.startup_seconds} s is less than the {least:,} s in which '{each.server.name}' may start"
        yield document.problem((*each.path, "startup_timeout_seconds"), f"{message}: write at least that")


def _gpu_problems(spec: AnyEndpoint, document: Document, each: Hosted, artifact: Artifact) -> Iterator[Problem]:
    if isinstance(spec, ServerlessEndpointSpec):
        message = f"the artifact of '{each.model}' needs a GPU, and serverless has none: use kind: realtime"
        yield document.problem(("kind",), message)
    if each.component is not None and each.component.accelerators is None:
        message = f"the artifact of '{each.model}' needs a GPU, and a copy gets none: write 'accelerators: 1'"
        yield document.problem(each.path, message)
    for path, machine in each.machines:
        if (message := _refused(each.model, artifact.locked.sm, machine)) != "":
            yield document.problem(path, message)


def _server_problems(document: Document, each: Hosted, artifact: Artifact) -> Iterator[Problem]:
    """Find what a server cannot do with an artifact, said once although several machines may be to blame."""
    machines: list[InstanceType | None] = [each.machine(name) for _, name in each.machines] or [None]
    found = dict.fromkeys(one for machine in machines for one in each.server.problems(artifact, machine))
    share = "" if each.component is None else _share(each.component)
    for key, message in found:
        yield document.problem((*each.path, "server", *key), message + share)
    if not found and len(each.machines) > 1:
        yield from _fallback_problems(document, each, artifact)


def _share(component: Component) -> str:
    """Say what was judged, where a machine has more than a copy gets of it."""
    gets = {"cpus": component.cpus, "accelerators": component.accelerators, "memory_mib": component.memory_mib}
    return f" (a copy gets {', '.join(f'{key}: {value or 0:g}' for key, value in gets.items())})"


def _fallback_problems(document: Document, each: Hosted, artifact: Artifact) -> Iterator[Problem]:
    """Find types that a server would be told otherwise for than for the preferred one: there is one container."""
    told = [
        {**each.server.variables(artifact, machine), **each.server.told_in_files(artifact, machine)}
        for machine in (instance_types()[name] for _, name in each.machines)
    ]
    for (path, name), said in zip(each.machines[1:], told[1:], strict=True):
        other = sorted(key for key in said.keys() | told[0].keys() if said.get(key) != told[0].get(key))
        if other:
            message = f"'{each.machines[0][1]}' is told another {other[0]} than '{name}' needs"
            yield document.problem(path, f"{message}: write the option, or choose another type")


def _refused(model: str, sm: int | None, machine: str) -> str:
    if sm_of(machine) is None:
        return f"the artifact of '{model}' needs a GPU, and '{machine}' has none: use {_with(sm)}"
    if sm is not None and sm_of(machine) != sm:
        bound = f"the engine of '{model}' is compiled for SM {sm}, and the GPU of '{machine}' is SM {sm_of(machine)}"
        return f"{bound}: use {_with(sm)}, or build it with 'gpu: {{instance_type: {machine}}}'"
    return ""


def _with(sm: int | None) -> str:
    """Name the families whose GPUs have an architecture; common ones where any will do."""
    return " or ".join(["ml.g6", "ml.g5"] if sm is None else families(sm))
