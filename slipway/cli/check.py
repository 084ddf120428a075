from __future__ import annotations

import sys
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slipway.cli.options import Format, ProjectOption, find_project
from slipway.cli.output import answer, say
from slipway.specs import HostError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.preflight.report import Fault
    from slipway.preflight.source import Checked, Source


class CheckFormat(StrEnum):
    """How findings are given: for eyes, as one JSON document, or as SARIF for code scanning."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def check(
    templates: Annotated[
        list[Path] | None, typer.Argument(metavar="[TEMPLATE]...", help="likewise, as --template is given")
    ] = None,
    *,
    environment: Annotated[
        str | None, typer.Option("-e", "--environment", help="of this project; else all of them")
    ] = None,
    template: Annotated[
        list[Path] | None,
        typer.Option(help="template, JSON or YAML, or a cloud assembly's folder; - is stdin; may be repeated"),
    ] = None,
    region: Annotated[str | None, typer.Option(help="where a template goes that does not say so itself")] = None,
    output: Annotated[CheckFormat, typer.Option("--format", help="text, json or sarif")] = CheckFormat.TEXT,
    project: ProjectOption = None,
) -> None:
    """Find what hosting would fail at, or never do, before it is deployed.

    Without a template it synthesises this project: one environment, or every one. Exit code 1 if there is an error
    that nobody acknowledged; warnings alone are 0.
    """
    paths = [*(template or ()), *(templates or ())]
    _refuse(paths, environment, region, project)
    sources = _of_paths(paths, region) if paths else _of_project(environment, project)
    faults: list[Fault] = []
    checked = [source.check(lambda rule, error: faults.append((rule.id, error))) for source in sources]
    _say(output, checked, faults)
    for rule, error in faults:
        say(f"a fault in slipway itself: rule {rule}: {type(error).__name__}: {error}")
    if faults:
        raise typer.Exit(HostError.exit_code)
    from slipway.preflight import has_errors

    if any(has_errors(each.findings) for each in checked):
        raise typer.Exit(1)


def _refuse(paths: Sequence[Path], environment: str | None, region: str | None, project: Path | None) -> None:
    from slipway.catalog import regions

    if paths and (environment is not None or project is not None):
        raise UsageError("--template checks that template and --environment this project: give one of them")
    if not paths and region is not None:
        raise UsageError("--region says where a --template goes: an environment of this project says so itself")
    if region is not None and region not in regions():
        raise UsageError(f"'{region}' is not a region that sells SageMaker hosting")


def _of_paths(paths: Sequence[Path], region: str | None) -> list[Source]:
    from slipway.preflight.inputs import sources

    return [source for path in paths for source in sources(path, region=region)]


def _of_project(environment: str | None, project: Path | None) -> list[Source]:
    from slipway.synth import own_templates

    found = find_project(project)
    names = found.environment_names() if environment is None else [environment]
    with _showing(f"synthesising {', '.join(names)}"):
        return own_templates(found, names, say)


@contextmanager
def _showing(doing: str) -> Iterator[None]:
    """Show on a terminal what takes seconds."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True, highlight=False).status(doing):
        yield


def _say(output: CheckFormat, checked: Sequence[Checked], faults: Sequence[Fault]) -> None:
    from slipway.preflight.report import as_document, as_sarif

    if output is CheckFormat.TEXT:
        from slipway.cli.check_page import page

        answer(Format.TEXT, None, page(checked))
        return
    document: dict[str, Any] = (as_sarif if output is CheckFormat.SARIF else as_document)(checked, faults)
    answer(Format.JSON, document, "")
