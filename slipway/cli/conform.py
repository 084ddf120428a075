from __future__ import annotations

import shlex
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from slipway.cli import conform_options as given
from slipway.cli.conform_page import page
from slipway.cli.conform_requests import Files, requests_of, server_named
from slipway.cli.options import Format, FormatOption, ProjectOption
from slipway.cli.output import answer
from slipway.specs import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from slipway.operations.conform import Check, Process, Subject


def conform(  # noqa: PLR0913  an option for each thing that a check may need
    url: given.Url = None,
    *,
    endpoint: given.Endpoint = None,
    server: given.Server = None,
    example: given.Example = None,
    expect: given.Expect = None,
    model: given.Model = None,
    tolerance: given.Tolerance = 1e-3,
    content_type: given.ContentType = "application/json",
    accept: given.Accept = None,
    slow_example: given.SlowExample = None,
    stream: given.Stream = None,
    stream_example: given.StreamExample = None,
    multi_model: given.MultiModel = None,
    command: given.Command = None,
    failing_command: given.FailingCommand = None,
    startup_seconds: given.StartupSeconds = 480,
    callers: given.Callers = 16,
    variant: given.Variant = None,
    only: given.Only = None,
    environment: given.Environment = "local",
    output: FormatOption = Format.TEXT,
    project: ProjectOption = None,
) -> None:
    """Check a running server, or an endpoint, against SageMaker's contract; exit code 1 if a check fails.

    What a check needs and was not given is reported as not run, never as passed. The server is started, stopped and
    killed only where --command says how.
    """
    from slipway.operations.conform import Address, Door, HttpDoor, Subject

    door: Door
    _refuse(url, endpoint, command or failing_command, multi_model, only, server)
    files = Files(
        examples=tuple(example or ()),
        expected=tuple(expect or ()),
        slow=slow_example,
        streamed=stream_example,
        content_type=content_type,
        accept=accept,
        tolerance=tolerance,
    )
    asked = requests_of(files, model, server, project)
    if url is None:
        from slipway.cli.conform_endpoint import door_to

        door, server = door_to(str(endpoint), environment, variant, project, asked)
    else:
        door = HttpDoor(Address.of(url))
    subject = Subject(door, tuple(asked.examples), asked.judge, asked.slow, stream, asked.streamed, callers=callers)
    subject.models = _models(multi_model)
    with tempfile.TemporaryDirectory(prefix="slipway-conform-") as scratch:
        log = Path(scratch)
        subject.process = _process(url, command, log / "server.log", startup_seconds)
        subject.failing = _process(url, failing_command, log / "failing.log", startup_seconds)
        _run(subject, str(url or endpoint), only or (), server, output)


def _run(subject: Subject, target: str, only: Sequence[str], server: str | None, output: Format) -> None:
    from slipway.operations.conform import Report, departures_of, run

    with _showing() as watch:
        results = tuple(run(subject, only=only, departures=departures_of(server), watch=watch))
    report = Report(target, results)
    answer(output, report.as_dict(), page(report))
    if report.count("failed"):
        raise typer.Exit(1)


def _refuse(
    url: str | None,
    endpoint: str | None,
    command: str | None,
    models: Sequence[str] | None,
    only: Sequence[str] | None,
    server: str | None,
) -> None:
    from slipway.operations.conform import checks
    from slipway.specs.suggest import did_you_mean

    if (url is None) is (endpoint is None):
        raise UsageError("give the URL of a server, or --endpoint NAME: one of them")
    if url is None and (command or models):
        raise UsageError("--command, --failing-command and --multi-model are about a server: give its URL")
    if url is None and server is not None:
        raise UsageError("--server says what a URL is: an endpoint's spec says it itself")
    if server is not None:
        server_named(server)
    known = [check.id for check in checks()]
    for name in only or ():
        if name not in known:
            raise UsageError(f"'{name}' is no check{did_you_mean(name, known)} (docs/reference/conform.md lists them)")


def _process(url: str | None, command: str | None, log: Path, startup_seconds: float) -> Process | None:
    from slipway.operations.conform import Address, Process

    if url is None or command is None:
        return None
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"'{command}' is no command: {error}") from error
    if not words:
        raise UsageError("--command is empty: give the command that starts the server")
    return Process(words, Address.of(url), log, startup_seconds)


def _models(named: Sequence[str] | None) -> tuple[tuple[str, str], ...]:
    pairs = [(name, folder) for name, _, folder in (each.partition("=") for each in named or ())]
    if any(not name or not folder for name, folder in pairs):
        raise UsageError("--multi-model is NAME=FOLDER, the folder as the server sees it")
    return tuple(pairs)


@contextmanager
def _showing() -> Iterator[Callable[[Check], None]]:
    """Show on a terminal which check runs."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True, highlight=False).status("starting") as status:
        yield lambda check: status.update(f"{check.id}: {check.asks}")
