"""Whether an endpoint can run what SageMaker Neo compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.specs.hosted import hosted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.specs.artifact import Artifact
    from slipway.specs.document import Document
    from slipway.specs.endpoint import AnyEndpoint
    from slipway.specs.errors import Problem
    from slipway.specs.hosted import Hosted


def neo_problems(spec: AnyEndpoint, document: Document, artifacts: Mapping[str, Artifact]) -> Iterator[Problem]:
    """Find what Neo compiled where a server cannot read it, or on machines that it was not compiled for."""
    for each in hosted(spec):
        optimized = None if each.model not in artifacts else artifacts[each.model].locked.optimized
        if optimized is None or optimized.device is None:
            continue
        if each.server.name != "image":
            reads = f"what SageMaker Neo made of '{each.model}' needs Neo's own image"
            image = optimized.image or "<the image that the job names>"
            mend = f"write 'server: {{name: image, uri: {image}}}', or remove the model's 'neo'"
            yield document.problem((*each.path, "server"), f"{reads}, and '{each.server.name}' is another: {mend}")
        yield from _machine_problems(document, each, optimized.device)


def _machine_problems(document: Document, each: Hosted, device: str) -> Iterator[Problem]:
    family = device.replace("_", ".")
    for path, machine in each.machines:
        if not machine.startswith(f"{family}."):
            message = f"'{each.model}' is compiled for {family}, and '{machine}' is another"
            yield document.problem(path, f"{message}: use {family}, or 'neo: {{device: …}}'")
