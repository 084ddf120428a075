from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slipway.cli.options import Format, FormatOption, ProjectOption, find_project
from slipway.cli.output import answer
from slipway.specs import Project, UsageError

if TYPE_CHECKING:
    from model_build.progress import Progress
    from slipway.cli.cloud_build import Outcome


def build(  # noqa: PLR0913  an option for each way to build
    models: Annotated[list[str] | None, typer.Argument(help="models to build; all of them if none is named")] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="build even what is unchanged, and measure it anew")] = False,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="of target gpu: do all that needs no GPU, and keep no artifact")
    ] = False,
    load_timeout: Annotated[
        float, typer.Option(min=1, help="seconds that a source may take to load, and its model to answer")
    ] = 900,
    report: Annotated[Path | None, typer.Option(help="HTML file to show all of it in", dir_okay=False)] = None,
    environment: Annotated[
        str, typer.Option("-e", "--environment", help="whose build stack builds models of `where: sagemaker`")
    ] = "local",
    here: Annotated[
        bool, typer.Option("--here", help="build on this machine what specs send to the cloud, and begin no job there")
    ] = False,
    detach: Annotated[bool, typer.Option("--detach", help="begin builds in the cloud and do not wait")] = False,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = None,
) -> None:
    """Build models: export, optimise, quantise, prove against the original, measure, package."""
    if rehearse and force:
        raise UsageError("--rehearse keeps nothing that --force could build again: give one of them")
    found = find_project(project)
    if rehearse:
        _rehearse(found, models, load_timeout, output)
        return
    import model_build
    from model_build.progress import showing
    from slipway.cli.tables import build_table

    elsewhere = [] if here else _in_cloud(found, models or None)
    if elsewhere and force:
        raise UsageError(f"{', '.join(elsewhere)}: --force builds on this machine: add --here, or name other models")
    outcome: Outcome | None = None
    with showing(sys.stderr) as progress:
        if elsewhere:
            from slipway.cli.cloud_build import build_in_cloud

            outcome = build_in_cloud(found, elsewhere, environment, progress, _fetch, detach=detach)
        missing = [] if outcome is None else outcome.missing
        results = model_build.build(
            found,
            [name for name in models or sorted(found.models) if name not in missing],
            force=force,
            progress=progress,
            load_timeout_seconds=load_timeout,
            fetch=_fetch,
            report=report,
        )
        _optimize(found, [one.name for one in results], environment, progress, here=here, detach=detach)
    if outcome is not None:
        if outcome.error is not None:
            raise outcome.error
        results = [one.model_copy(update={"built": one.built or one.name in outcome.built}) for one in results]
    document = {"models": [result.model_dump(mode="json") for result in results]}
    answer(output, document, build_table(results))


def _in_cloud(project: Project, names: list[str] | None) -> list[str]:
    """Return those of the named models, or of all, whose spec says that the cloud builds them."""
    models = project.models
    wanted = list(models) if names is None else list(dict.fromkeys(names))
    if not models.keys() >= set(wanted):
        return []  # the build refuses an unknown name, and should do so before anything is begun
    return [name for name in wanted if models[name].in_cloud]


def _optimize(
    project: Project, names: list[str], environment: str, progress: Progress, *, here: bool, detach: bool
) -> None:
    """Have jobs of the cloud optimise what specs want optimised, or take back what they no longer want."""
    locked = project.lock.models
    if any(project.models[name].cloud_job is not None or locked[name].optimized is not None for name in names):
        from slipway.cli.cloud_optimize import optimize_in_cloud

        optimize_in_cloud(project, names, environment, progress, here=here, detach=detach)


def _rehearse(project: Project, models: list[str] | None, load_timeout: float, output: Format) -> None:
    import model_build
    from model_build.progress import showing
    from slipway.cli.tables import rehearsal_table

    with showing(sys.stderr) as progress:
        rehearsals = model_build.rehearse(project, models or None, progress, load_timeout, fetch=_fetch)
    document = {"rehearsals": [each.model_dump(mode="json") for each in rehearsals]}
    answer(output, document, rehearsal_table(rehearsals))


def _fetch(project: Project, model: str) -> None:
    import boto3  # most sources are here, and it is slow to import

    from slipway.operations.fetch import fetch

    fetch(project, model, boto3.client)
