from __future__ import annotations

import json
import os
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
    model: Annotated[str | None, typer.Option(help="the model to ask, of a multi-model endpoint")] = None,
    environment: Annotated[str, typer.Option("-e", "--environment", help="where the endpoint runs")] = "local",
    output: FormatOption = Format.TEXT,
    project: ProjectOption = None,
) -> None:
    """Ask an endpoint, in the local cloud or on AWS."""
    from slipway import operations

    found = find_project(project)
    deployment = found.deployment(environment, with_artifacts=False)
    operations.endpoint_name(deployment, endpoint)
    operations.target_model(deployment, endpoint, model)
    request = _read(data) if data is not None else _example(found, deployment, endpoint, model)
    connection = _local_connection(found, deployment) if environment == "local" else None
    reply = operations.invoke(deployment, endpoint, request, variant=variant, model=model, connection=connection)
    answer(output, asdict(reply), json.dumps(reply.answer))


def _read(data: Path) -> Any:
    try:
        return json.loads(data.read_bytes())
    except OSError as error:
        raise UsageError(f"{data} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{data} is not JSON: {error}") from error


def _example(project: Project, deployment: Deployment, endpoint: str, named: str | None) -> Any:
    hosted = [model for _, model in deployment.endpoints[endpoint].hosted_models()]
    if not hosted:
        raise UsageError(f"'{endpoint}' hosts models of somebody else: give a request with --data FILE")
    model = hosted[0] if named is None else named
    locked = project.lock.models.get(model)
    manifest = project.artifact_folder(model, "" if locked is None else locked.digest) / "manifest.json"
    if not manifest.is_file():
        raise UsageError(f"{model} is not built here, so there is no example of a request: give one with --data FILE")
    return Manifest.model_validate_json(manifest.read_bytes()).served.example


def _local_connection(project: Project, deployment: Deployment) -> dict[str, str]:
    from slipway import local_cloud

    clouds = local_cloud.running(project.root)
    if not clouds:
        raise HostError("no local cloud of this project is running: start one with `slipway local up`")
    # A shell that was pointed at one of them means that one; else the newest.
    chosen = next((cloud for cloud in clouds if cloud.url == os.environ.get("AWS_ENDPOINT_URL")), clouds[-1])
    place = deployment.environment
    return chosen.environment(account=place.account, region=place.region)
