"""``slipway local``: the embedded AWS."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from slipway.cli.options import Format, FormatOption, ProjectOption, find_project
from slipway.cli.output import answer
from slipway.specs import HostError

app = typer.Typer(name="local", help="An AWS on this machine: real cdk deploy, real answers.", no_args_is_help=True)
PortOption = Annotated[
    int | None, typer.Option("--port", min=1, max=65535, help="loopback port; any free one if absent")
]


@app.command()
def up(*, port: PortOption = None, output: FormatOption = Format.TEXT, project: ProjectOption = None) -> None:
    """Start a local cloud that stays until `slipway local down`."""
    from slipway import local_cloud
    from slipway.cli.tables import how_to_use

    cloud = local_cloud.start(find_project(project).root, port=port, leash=False)
    answer(output, _described(cloud), how_to_use(cloud))


@app.command(short_help="Stop this project's local clouds, or the one on a port.")
def down(*, port: PortOption = None, output: FormatOption = Format.TEXT, project: ProjectOption = None) -> None:
    """Stop this project's local clouds, or the one on a port, with every process they started."""
    from slipway import local_cloud

    clouds = [cloud for cloud in local_cloud.running(find_project(project).root) if port in (None, cloud.port)]
    for cloud in clouds:
        local_cloud.stop(cloud)
    stopped = [cloud.port for cloud in clouds]
    answer(
        output, {"stopped": stopped}, f"stopped {', '.join(map(str, stopped))}" if stopped else "nothing was running"
    )


@app.command(short_help="Say which local clouds run, with endpoints and processes.")
def status(*, output: FormatOption = Format.TEXT, project: ProjectOption = None) -> None:
    """Say which local clouds run, and their endpoints, ports and processes."""
    from slipway import local_cloud
    from slipway.cli.tables import clouds_table

    clouds = [_described(cloud) for cloud in local_cloud.running(find_project(project).root)]
    answer(output, {"clouds": clouds}, clouds_table(clouds))


@app.command(short_help="Print what points cdk and boto3 at a local cloud.")
def env(*, port: PortOption = None, output: FormatOption = Format.TEXT, project: ProjectOption = None) -> None:
    """Print what points cdk, boto3 and the aws command at a local cloud: eval "$(slipway local env)"."""
    from slipway import local_cloud
    from slipway.cli.tables import exports

    clouds = [cloud for cloud in local_cloud.running(find_project(project).root) if port in (None, cloud.port)]
    if not clouds:
        raise HostError("no such local cloud of this project is running: start one with `slipway local up`")
    variables = clouds[-1].environment()
    answer(output, variables, exports(variables))


def _described(cloud: Any) -> dict[str, Any]:
    return {
        "port": cloud.port,
        "pid": cloud.pid,
        "url": cloud.url,
        "environment": cloud.environment(),
        "endpoints": [asdict(endpoint) for endpoint in cloud.endpoints()],
    }
