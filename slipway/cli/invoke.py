from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from slipway.cli.options import Format, FormatOption, ProjectOption, find_project
from slipway.cli.output import answer
from slipway.specs import Deployment, HostError, Manifest, Project, UsageError


def invoke(
    endpoint: Annotated[str, typer.Argument(help="an endpoint, by the name of its file")],
    *,
    data: Annotated[Path | None, typer.Option(help="file with a JSON request; else the model's example")] = None,
    variant: Annotated[str | None, typer.Option(help="the variant to ask; chosen by weight if absent")] = None,
    environment: Annotated[str, typer.Option("-e", "--environment", help="where the endpoint runs")] = "local",
    output: FormatOption = Format.TEXT,
    project: ProjectOption = None,
) -> None:
    """Ask an endpoint, in the local cloud or on AWS."""
    from slipway import operations

    found = find_project(project)
    deployment = found.deployment(environment)
    operations.endpoint_name(deployment, endpoint)
    request = _read(data) if data is not None else _example(deployment, endpoint)
    connection = _local_connection(found, deployment) if environment == "local" else None
    reply = operations.invoke(deployment, endpoint, request, variant=variant, connection=connection)
    answer(output, asdict(reply), json.dumps(reply.answer))


def _read(data: Path) -> Any:
    try:
        return json.loads(data.read_bytes())
    except OSError as error:
        raise UsageError(f"{data} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{data} is not JSON: {error}") from error


def _example(deployment: Deployment, endpoint: str) -> Any:
    model = deployment.endpoints[endpoint].models()[0][1]
    manifest = deployment.artifacts[model].archive.with_name("manifest.json")
    return Manifest.model_validate_json(manifest.read_bytes()).served.example


def _local_connection(project: Project, deployment: Deployment) -> dict[str, str]:
    from slipway import local_cloud

    clouds = local_cloud.running(project.root)
    if not clouds:
        raise HostError("no local cloud of this project is running: start one with `slipway local up`")
    place = deployment.environment
    return clouds[-1].environment(account=place.account, region=place.region)
