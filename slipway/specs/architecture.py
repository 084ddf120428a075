"""Whether an endpoint's machines have the GPU that an artifact is made for, and a server that uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.specs.gpu import families, sm_of
from slipway.specs.placement import machines
from slipway.specs.serverless import ServerlessEndpointSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.specs.artifact import Artifact
    from slipway.specs.document import Document
    from slipway.specs.endpoint import AnyEndpoint
    from slipway.specs.errors import Problem

NO_SERVER: Final = "no server of ours computes on a GPU yet: build it for 'target: cpu'"

NO_READER: Final = "no server here reads them yet: bring a model for 'target: cpu'"


def architecture_problems(
    spec: AnyEndpoint, document: Document, artifacts: Mapping[str, Artifact]
) -> Iterator[Problem]:
    """Find artifacts for a GPU where there is none, where there is another, and where the server would not use it."""
    yield from _language_problems(spec, document, artifacts)
    needy = {model: it.locked.sm for model, it in artifacts.items() if it.locked.target == "gpu"}
    if isinstance(spec, ServerlessEndpointSpec):
        if spec.model in needy:
            message = f"the artifact of '{spec.model}' needs a GPU, and serverless has none: use kind: realtime"
            yield document.problem(("kind",), message)
        return
    for path, models, machine in machines(spec):
        for model in models:
            if model in needy and (message := _refused(model, needy[model], machine)) != "":
                yield document.problem(path, message)
    for where, model in spec.hosted_models():
        if model in needy:
            keys = tuple(int(part) if part.isdigit() else part for part in where.split("."))
            yield document.problem(keys, f"the artifact of '{model}' needs a GPU, and {NO_SERVER}")


def _language_problems(spec: AnyEndpoint, document: Document, artifacts: Mapping[str, Artifact]) -> Iterator[Problem]:
    """Find language models' files on an endpoint: no server here reads them, and ours reads archives alone."""
    for where, model in spec.hosted_models():
        if model in artifacts and artifacts[model].locked.target == "llm":
            keys = tuple(int(part) if part.isdigit() else part for part in where.split("."))
            yield document.problem(keys, f"the artifact of '{model}' is a language model's files, and {NO_READER}")


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
