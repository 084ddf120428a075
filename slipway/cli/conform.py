from __future__ import annotations

import shlex
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slipway.cli.options import Format, FormatOption, ProjectOption, find_project
from slipway.cli.output import answer
from slipway.specs import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from slipway.operations.conform import Check, Example, Result

SAMPLES = 8
"""Inputs that the original answers, where a model is named."""


def conform(  # noqa: PLR0913  an option for each thing that a check may need
    url: Annotated[str | None, typer.Argument(help="where the server listens, such as http://127.0.0.1:8080")] = None,
    *,
    endpoint: Annotated[str | None, typer.Option(help="ask this endpoint with InvokeEndpoint instead")] = None,
    example: Annotated[list[Path] | None, typer.Option(help="file with a request; may be repeated")] = None,
    expect: Annotated[list[Path] | None, typer.Option(help="file with the answer to each example")] = None,
    model: Annotated[str | None, typer.Option(help="ask a model's own samples; its original is the judge")] = None,
    tolerance: Annotated[float, typer.Option(min=0, help="how far a number may be from the expected one")] = 1e-3,
    content_type: Annotated[str, typer.Option(help="of the examples")] = "application/json",
    accept: Annotated[str | None, typer.Option(help="media type of the answers; the server chooses if absent")] = None,
    slow_example: Annotated[Path | None, typer.Option(help="file with a request that takes about a second")] = None,
    stream: Annotated[str | None, typer.Option(help="media type of a streamed answer")] = None,
    stream_example: Annotated[
        Path | None, typer.Option(help="file with a request whose stream has several parts; else the slow one")
    ] = None,
    multi_model: Annotated[list[str] | None, typer.Option(help="NAME=FOLDER of a model to load; twice")] = None,
    command: Annotated[str | None, typer.Option(help="starts the server, for checks that stop it")] = None,
    failing_command: Annotated[str | None, typer.Option(help="starts it with a model that cannot be loaded")] = None,
    startup_seconds: Annotated[float, typer.Option(min=1, help="how long a start may take")] = 480,
    callers: Annotated[int, typer.Option(min=2, max=256, help="how many ask at once")] = 16,
    variant: Annotated[str | None, typer.Option(help="the variant to ask; of an endpoint with several")] = None,
    only: Annotated[list[str] | None, typer.Option(help="a check to run; may be repeated")] = None,
    environment: Annotated[str, typer.Option("-e", "--environment", help="where the endpoint runs")] = "local",
    output: FormatOption = Format.TEXT,
    project: ProjectOption = None,
) -> None:
    """Check a running server, or an endpoint, against SageMaker's contract; exit code 1 if a check fails.

    What a check needs and was not given is reported as not run, never as passed. The server is started, stopped and
    killed only where --command says how.
    """
    from slipway.operations.conform import Address, HttpDoor, Process, Report, Subject, run

    _refuse(url, endpoint, command or failing_command, multi_model, only)
    examples = [_example(path, content_type, accept) for path in example or ()]
    streamed = None if stream_example is None else _example(stream_example, content_type, accept)
    judge = None if expect is None else _judge(examples, expect, tolerance)
    if model is not None:
        examples, all_at_once, judge = _of_model(model, examples, expect, project)
        streamed = streamed or all_at_once
    with tempfile.TemporaryDirectory(prefix="slipway-conform-") as scratch:
        folder = Path(scratch)

        def process(words: str | None, log: str) -> Process | None:
            split = _words(words)
            return (
                None if split is None or url is None else Process(split, Address.of(url), folder / log, startup_seconds)
            )

        subject = Subject(
            door=HttpDoor(Address.of(url))
            if url is not None
            else _endpoint(str(endpoint), environment, variant, project, examples),
            examples=tuple(examples),
            judge=judge,
            slow=None if slow_example is None else _example(slow_example, content_type, accept),
            stream=stream,
            streamed=streamed,
            models=_models(multi_model),
            process=process(command, "server.log"),
            failing=process(failing_command, "failing.log"),
            callers=callers,
        )
        with _showing() as watch:
            results = tuple(run(subject, only=only or (), watch=watch))
    report = Report(str(url or endpoint), results)
    answer(output, report.as_dict(), _page(report.results))
    if report.count("failed"):
        raise typer.Exit(1)


def _refuse(
    url: str | None, endpoint: str | None, command: str | None, models: Sequence[str] | None, only: Sequence[str] | None
) -> None:
    from slipway.operations.conform import checks
    from slipway.specs.suggest import did_you_mean

    if (url is None) is (endpoint is None):
        raise UsageError("give the URL of a server, or --endpoint NAME: one of them")
    if url is None and (command or models):
        raise UsageError("--command, --failing-command and --multi-model are about a server: give its URL")
    known = [check.id for check in checks()]
    for name in only or ():
        if name not in known:
            raise UsageError(f"'{name}' is no check{did_you_mean(name, known)} (docs/reference/conform.md lists them)")


def _example(path: Path, content_type: str, accept: str | None) -> Example:
    from slipway.operations.conform import Example

    return Example(_read(path), content_type, accept, name=str(path))


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if not content:
        raise UsageError(f"{path} is empty: give a file with a request or an answer")
    return content


def _judge(
    examples: Sequence[Example], paths: Sequence[Path], tolerance: float
) -> Callable[[Sequence[bytes]], str | None]:
    from slipway.operations.conform import difference

    if len(examples) != len(paths):
        raise UsageError(f"{len(examples)} --example and {len(paths)} --expect: give an answer for each example")
    expected = [_read(path) for path in paths]

    def judge(answers: Sequence[bytes]) -> str | None:
        for example, right, given in zip(examples, expected, answers, strict=True):
            if (other := difference(right, given, tolerance)) is not None:
                return f"{example.name} is answered otherwise than expected: {other}"
        return None

    return judge


def _of_model(
    name: str, examples: Sequence[Example], expect: Sequence[Path] | None, project: Path | None
) -> tuple[list[Example], Example, Callable[[Sequence[bytes]], str | None]]:
    """Return a model's samples as requests, all of them as one, and the original as judge."""
    import json

    from slipway.specs.suggest import did_you_mean

    if examples or expect:
        raise UsageError("--model brings its own examples and answers: leave --example and --expect out")
    found = find_project(project)
    if name not in found.models:
        raise UsageError(
            f"'{name}' is not a model{did_you_mean(name, found.models)} (known: {', '.join(found.models)})"
        )
    import numpy as np

    from model_build import samples
    from slipway.demo.compare import agreement, rows
    from slipway.operations.conform import Example

    original, metric = samples(found, name, SAMPLES), found.models[name].verify.metric

    def judge(answers: Sequence[bytes]) -> str | None:
        try:
            given = np.concatenate([rows(json.loads(each)) for each in answers])
        except (ValueError, KeyError, TypeError) as error:
            return f"an answer cannot be compared with the original's: {type(error).__name__}: {error}"
        near = agreement(metric, given, original.answers)
        return (
            None if near >= original.at_least else f"{metric} to the original is {near:.4f}, below {original.at_least}"
        )

    asked = [
        Example(json.dumps({"inputs": [each]}).encode(), name=f"sample {number}")
        for number, each in enumerate(original.inputs)
    ]
    return asked, Example(json.dumps({"inputs": original.inputs}).encode(), name="all samples"), judge


def _endpoint(name: str, environment: str, variant: str | None, project: Path | None, examples: list[Example]) -> Any:
    """Return the door to an endpoint; its model's example is asked where no other is given."""
    from slipway import operations
    from slipway.cli.connection import connection_to
    from slipway.operations.conform import EndpointDoor
    from slipway.specs import RealtimeEndpointSpec

    found = find_project(project)
    deployment = found.deployment(environment, with_artifacts=False)
    target = {"EndpointName": operations.endpoint_name(deployment, name)}
    spec = deployment.endpoints[name]
    if spec.kind not in {"realtime", "serverless"}:
        raise UsageError(f"'{name}' is of kind {spec.kind}: real-time and serverless endpoints are checked")
    several = [one.name for one in spec.variants] if isinstance(spec, RealtimeEndpointSpec) else []
    if (variant is None and len(several) > 1) or (variant is not None and variant not in several):
        asked = "it has several" if variant is None else f"'{variant}' is none of them"
        raise UsageError(f"'{name}': give --variant, {asked} (known: {', '.join(several) or 'none'})")
    if variant is not None:
        target["TargetVariant"] = variant
    if not examples:
        examples.extend(_own_example(found, spec, variant))
    connection = connection_to(found, deployment)
    return EndpointDoor(operations.client_for("sagemaker-runtime", deployment, connection), target)


def _own_example(project: Any, spec: Any, variant: str | None) -> Iterator[Example]:
    import json

    from slipway.cli.invoke import example_of
    from slipway.operations.conform import Example

    hosted = [model for _, model in spec.hosted_models()]
    if hosted:
        yield Example(
            json.dumps(example_of(project, spec, hosted[0], variant)).encode(), name=f"the example of {hosted[0]}"
        )


def _models(given: Sequence[str] | None) -> tuple[tuple[str, str], ...]:
    pairs = [(name, folder) for name, _, folder in (each.partition("=") for each in given or ())]
    if any(not name or not folder for name, folder in pairs):
        raise UsageError("--multi-model is NAME=FOLDER, the folder as the server sees it")
    return tuple(pairs)


def _words(command: str | None) -> list[str] | None:
    try:
        words = None if command is None else shlex.split(command)
    except ValueError as error:
        raise UsageError(f"'{command}' is no command: {error}") from error
    if words == []:
        raise UsageError("--command is empty: give the command that starts the server")
    return words


@contextmanager
def _showing() -> Iterator[Callable[[Check], None]]:
    """Show on a terminal which check runs."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True, highlight=False).status("starting") as status:
        yield lambda check: status.update(f"{check.id}: {check.asks}")


def _page(results: Sequence[Result]) -> Any:
    from rich.console import Group

    from slipway.cli.tables import Rows

    table = Rows("check", "outcome", "seconds", "seen")
    for result in results:
        table.add(result.check, result.outcome, f"{result.seconds:.1f}", result.saw)
    failed = [result for result in results if result.outcome == "failed"]
    mends = [f"\n{result.check}: {result.asks}\n  {result.says}\n  mend: {result.mend}" for result in failed]
    counts = {word: sum(result.outcome == word for result in results) for word in ("passed", "failed", "not run")}
    return Group(table, *mends, "\n" + ", ".join(f"{count} {word}" for word, count in counts.items()))
