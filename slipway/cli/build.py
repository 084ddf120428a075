from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.options import Format, FormatOption, ProjectOption, find_project
from slipway.cli.output import answer
from slipway.specs import Project, UsageError


def build(
    models: Annotated[list[str] | None, typer.Argument(help="models to build; all of them if none is named")] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="build even what is unchanged, and measure it anew")] = False,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="of target gpu: do all that needs no GPU, and keep no artifact")
    ] = False,
    load_timeout: Annotated[float, typer.Option(min=1, help="seconds that a source may take to load")] = 900,
    report: Annotated[Path | None, typer.Option(help="HTML file to show all of it in", dir_okay=False)] = None,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = None,
) -> None:
    """Build models: export, optimise, quantise, prove against the original, measure, package."""
    import model_build
    from model_build.progress import showing
    from slipway.cli.tables import build_table, rehearsal_table

    if rehearse and force:
        raise UsageError("--rehearse keeps nothing that --force could build again: give one of them")
    if rehearse:
        with showing(sys.stderr) as progress:
            rehearsals = model_build.rehearse(
                find_project(project), models or None, progress, load_timeout, fetch=_fetch
            )
        document = {"rehearsals": [each.model_dump(mode="json") for each in rehearsals]}
        answer(output, document, rehearsal_table(rehearsals))
        return
    with showing(sys.stderr) as progress:
        results = model_build.build(
            find_project(project),
            models or None,
            force=force,
            progress=progress,
            load_timeout_seconds=load_timeout,
            fetch=_fetch,
            report=report,
        )
    answer(output, {"models": [result.model_dump(mode="json") for result in results]}, build_table(results))


def _fetch(project: Project, model: str) -> None:
    import boto3  # most sources are here, and it is slow to import

    from slipway.operations.fetch import fetch

    fetch(project, model, boto3.client)
