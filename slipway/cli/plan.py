from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.connection import connection_to
from slipway.cli.options import Format, FormatOption, ProjectOption, find_project
from slipway.cli.output import answer, say


def plan(
    endpoints: Annotated[list[str] | None, typer.Argument(help="endpoints; all of them if none is named")] = None,
    *,
    environment: Annotated[str, typer.Option("-e", "--environment", help="where they are deployed")] = "local",
    assembly: Annotated[Path | None, typer.Option(help="what cdk synth wrote; else it is run now")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="run the deployments, without asking again")] = False,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = None,
) -> None:
    """Say which deployments a change needs: none, one, or two where SageMaker would refuse one."""
    from slipway import operations
    from slipway.cli.plan_page import plan_page, steps_of

    found = find_project(project)
    deployment = found.deployment(environment, with_artifacts=False)
    planner = operations.Planner(found.root, deployment, connection_to(found, deployment))
    plans = planner.plan(endpoints or (), assembly)
    if apply:
        say("\n".join(steps_of(plans)) or "nothing to deploy")
        planner.apply(plans)
    document = {"environment": environment, "applied": apply, "plans": [one.as_dict() for one in plans]}
    answer(output, document, plan_page(plans, applied=apply))
