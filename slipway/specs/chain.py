"""Whether each container of a pipeline answers what the next one takes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from slipway.specs.pipeline_endpoint import PipelineEndpointSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.specs.document import Document
    from slipway.specs.endpoint import AnyEndpoint
    from slipway.specs.errors import Problem
    from slipway.specs.task import Task

ANSWERS: Final[dict[Task, str]] = {
    "sentence-embedding": "embeddings",
    "image-classification": "predictions",
    "transformation": "tensors",
    "text-generation": "generated texts",
}
TAKES: Final[dict[Task, str]] = {
    "sentence-embedding": "texts",
    "image-classification": "tensors",
    "transformation": "tensors",
    "text-generation": "texts",
}


def chain_problems(spec: AnyEndpoint, document: Document, tasks: Mapping[str, Task]) -> Iterator[Problem]:
    """Find containers of a pipeline that cannot follow the one before them.

    Args:
        spec: An endpoint of any kind.
        document: Where its values were written.
        tasks: Of every model that is right, by its name.
    """
    if not isinstance(spec, PipelineEndpointSpec):
        return
    for index, container in enumerate(spec.containers):
        if not container.server.hands_on:
            words = (
                f"'{container.server.name}' takes and answers tensors by name, and containers hand on our server's JSON"
            )
            yield document.problem(("containers", index, "server"), f"{words}: use server: onnxruntime")
    named = [(index, container.model) for index, container in enumerate(spec.containers) if container.model in tasks]
    for (before, first), (after, second) in pairwise(named):
        answers, takes = ANSWERS[tasks[first]], TAKES[tasks[second]]
        if after == before + 1 and answers != takes:
            before_it = "let a model with task: transformation stand before it"
            mend = before_it if takes in ANSWERS.values() else "let it be the first"
            message = f"'{second}' takes {takes}, and '{first}' before it answers {answers}: {mend}"
            yield document.problem(("containers", after, "model"), message)
