"""What a server is asked, and who says whether its answers are right."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slipway.cli.options import find_project
from slipway.specs import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from slipway.operations.conform import Example
    from slipway.specs import Project
    from slipway.specs.manifest import ServedModel
    from slipway.specs.servers import ServerSpec

    Judge = Callable[[Sequence[bytes]], str | None]

SAMPLES = 8
"""Inputs that the original answers, where a model is named."""


@dataclass(frozen=True)
class Files:
    """Requests and answers as the user gave them, and of which types they are."""

    examples: tuple[Path, ...]
    expected: tuple[Path, ...]
    slow: Path | None
    streamed: Path | None
    content_type: str
    accept: str | None
    tolerance: float

    def example(self, path: Path) -> Example:
        """Return a file as a request."""
        from slipway.operations.conform import Example

        return Example(_read(path), self.content_type, self.accept, name=str(path))


@dataclass
class Requests:
    """What is asked.

    Args:
        streamed: A request whose streamed answer has several parts.
    """

    examples: list[Example] = field(default_factory=list)
    judge: Judge | None = None
    slow: Example | None = None
    streamed: Example | None = None


def requests_of(files: Files, model: str | None, server: str | None, project: Path | None) -> Requests:
    """Return what the files say, or a model's samples with its original as judge."""
    examples = [files.example(path) for path in files.examples]
    judge = _judge(examples, files) if files.expected else None
    slow = None if files.slow is None else files.example(files.slow)
    streamed = None if files.streamed is None else files.example(files.streamed)
    if model is None:
        return Requests(examples, judge, slow, streamed)
    if examples or judge:
        raise UsageError("--model brings its own examples and answers: leave --example and --expect out")
    found = of_model(find_project(project), model, server)
    return Requests(found.examples, found.judge, slow, streamed or found.streamed)


def _judge(examples: Sequence[Example], files: Files) -> Judge:
    from slipway.operations.conform import difference

    if len(examples) != len(files.expected):
        counts = f"{len(examples)} --example and {len(files.expected)} --expect"
        raise UsageError(f"{counts}: give an answer for each example")
    expected = [_read(path) for path in files.expected]

    def judge(answers: Sequence[bytes]) -> str | None:
        for example, right, given in zip(examples, expected, answers, strict=True):
            if (other := difference(right, given, files.tolerance)) is not None:
                return f"{example.name} is answered otherwise than expected: {other}"
        return None

    return judge


def of_model(project: Project, name: str, server: str | None) -> Requests:
    """Return a model's samples in a server's words, all of them as one that streams, and the original as judge."""
    from slipway.operations.conform import Example
    from slipway.specs.suggest import did_you_mean

    if name not in project.models:
        known = ", ".join(project.models)
        raise UsageError(f"'{name}' is not a model{did_you_mean(name, project.models)} (known: {known})")
    served, spoken = _served(project, name), server_named(server or "onnxruntime")
    from model_build import samples

    original = samples(project, name, SAMPLES)

    def asked(inputs: list[Any], called: str) -> Example:
        return Example(json.dumps(_request(spoken, served, inputs, name)).encode(), name=called)

    examples = [asked([each], f"sample {number}") for number, each in enumerate(original.inputs)]
    judge = _judge_of(project, name, original, lambda document: _answer(spoken, served, document))
    return Requests(examples, judge, streamed=asked(original.inputs, "all samples"))


def server_named(name: str) -> ServerSpec:
    """Return a server with its own defaults.

    Raises:
        UsageError: If there is none of this name, or none without options.
    """
    from typing import get_args

    from pydantic import TypeAdapter, ValidationError

    from slipway.specs.servers import Server, ServerName
    from slipway.specs.suggest import did_you_mean

    known = get_args(ServerName)
    if name not in known:
        raise UsageError(f"'{name}' is no server{did_you_mean(name, known)} (known: {', '.join(known)})")
    try:
        found: ServerSpec = TypeAdapter(Server).validate_python(name)
    except ValidationError as error:
        raise UsageError(f"nothing is known of what '{name}' is asked: give --example FILE") from error
    return found


def _served(project: Project, model: str) -> ServedModel | None:
    """Return what a server is told of a built model; None where it is not built here."""
    from slipway.specs import Manifest

    locked = project.lock.models.get(model)
    file = project.artifact_folder(model, "" if locked is None else locked.digest) / "manifest.json"
    return Manifest.model_validate_json(file.read_bytes()).packed if file.is_file() else None


def _request(server: ServerSpec, served: ServedModel | None, inputs: list[Any], model: str) -> Any:
    if served is None:  # our own server's words are known without
        if server.name == "onnxruntime":
            return {"inputs": inputs}
        raise UsageError(f"'{model}' is not built here, so its requests in words of '{server.name}' are not known")
    request = server.request(served, inputs)
    if request is None:
        raise UsageError(f"'{server.name}' takes no request for samples of '{model}': give --example FILE")
    return request


def _answer(server: ServerSpec, served: ServedModel | None, document: Any) -> Any:
    return document if served is None else server.answer(served, document)


def _judge_of(project: Project, name: str, original: Any, read: Callable[[Any], Any]) -> Judge:
    import numpy as np

    from slipway.demo.compare import agreement, rows

    metric = project.models[name].verify.metric

    def judge(answers: Sequence[bytes]) -> str | None:
        try:
            given = np.concatenate([rows(read(json.loads(each))) for each in answers])
        except (ValueError, KeyError, TypeError, IndexError) as error:
            return f"an answer cannot be compared with the original's: {type(error).__name__}: {error}"
        near = agreement(metric, given, original.answers)
        good = near >= original.at_least
        return None if good else f"{metric} to the original is {near:.4f}, below {original.at_least}"

    return judge


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if not content:
        raise UsageError(f"{path} is empty: give a file with a request or an answer")
    return content
