from __future__ import annotations

import sys
from typing import Annotated

import typer

from slipway.cli.options import Format, FormatOption, ProjectOption, find_project
from slipway.cli.output import answer
from slipway.specs import Project


def build(
    models: Annotated[list[str] | None, typer.Argument(help="models to build; all of them if none is named")] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="build even what is unchanged, and measure it anew")] = False,
    load_timeout: Annotated[float, typer.Option(min=1, help="seconds that a source may take to load")] = 900,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = None,
) -> None:
    """Build models: export, optimise, quantise, prove against the original, measure, package."""
    import model_build
    from model_build.progress import showing
    from slipway.cli.tables import build_table

    def fetch(owner: Project, model: str) -> None:
        import boto3

        from slipway.operations.fetch import fetch as bring

        bring(owner, model, boto3.client)

    with showing(sys.stderr) as progress:
        results = model_build.build(
            find_project(project),
            models or None,
            force=force,
            progress=progress,
            load_timeout_seconds=load_timeout,
            fetch=fetch,
        )
    answer(output, {"models": [result.model_dump(mode="json") for result in results]}, build_table(results))
