from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from slipway.cli.connection import connection_to
from slipway.cli.options import Format, FormatOption, ProjectOption, find_project
from slipway.cli.output import answer
from slipway.specs import UsageError

if TYPE_CHECKING:
    from slipway.specs import Deployment, Project
    from slipway.specs.hosted import Hosted

PROMPT: Final = "The ship left the harbour and"
"""What a language model is asked where nobody says."""


def invoke(  # noqa: PLR0913  an option for each thing that can be named
    endpoint: Annotated[str, typer.Argument(help="an endpoint, by the name of its file")],
    *,
    data: Annotated[Path | None, typer.Option(help="file with a JSON request; else the model's example")] = None,
    variant: Annotated[str | None, typer.Option(help="the variant to ask; chosen by weight if absent")] = None,
    container: Annotated[str | None, typer.Option(help="the container to ask, of a multi-container endpoint")] = None,
    model: Annotated[str | None, typer.Option(help="the model to ask, of a multi-model endpoint")] = None,
    component: Annotated[
        str | None, typer.Option(help="the inference component to ask; may be left out where there is one")
    ] = None,
    environment: Annotated[str, typer.Option("-e", "--environment", help="where the endpoint runs")] = "local",
    output: FormatOption = Format.TEXT,
    project: ProjectOption = None,
) -> None:
    """Ask an endpoint, in the local cloud or on AWS."""
    from slipway import operations

    found = find_project(project)
    deployment = found.deployment(environment, with_artifacts=False)
    operations.endpoint_name(deployment, endpoint)
    operations.check_container(deployment, endpoint, container)
    operations.target_model(deployment, endpoint, model)
    named = operations.asked_component(deployment, endpoint, component)
    if data is not None:
        request = _read(data)
    else:
        taken = _asked(deployment, endpoint, container, model) if named is None else named.model
        request = example_of(found, _answering(deployment, endpoint, variant, taken))
    connection = connection_to(found, deployment)
    reply = operations.invoke(
        deployment,
        endpoint,
        request,
        variant=variant,
        container=container,
        model=model,
        component=component,
        connection=connection,
    )
    answer(output, asdict(reply), json.dumps(reply.answer))


def _read(data: Path) -> Any:
    try:
        return json.loads(data.read_bytes())
    except OSError as error:
        raise UsageError(f"{data} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{data} is not JSON: {error}") from error


def _asked(deployment: Deployment, endpoint: str, container: str | None, model: str | None) -> str:
    """Return the model that takes the request: the one that is named, the container's, else the first."""
    from slipway.specs import MultiContainerEndpointSpec

    spec = deployment.endpoints[endpoint]
    hosted = [hosted for _, hosted in spec.hosted_models()]
    if not hosted:
        raise UsageError(f"'{endpoint}' hosts models of somebody else: give a request with --data FILE")
    names = [one.name for one in spec.containers] if isinstance(spec, MultiContainerEndpointSpec) else []
    return model or hosted[0 if container is None else names.index(container)]


def _answering(deployment: Deployment, endpoint: str, variant: str | None, model: str) -> Hosted:
    """Return what answers: a variant's own, which may be of another server than the rest, else the model's first."""
    from slipway.specs.hosted import answering

    spec = deployment.endpoints[endpoint]
    found = answering(spec, variant=variant, model=model) or answering(spec, model=model)
    assert found is not None  # noqa: S101  the model is one of the endpoint's
    return found


def example_of(project: Project, answers: Hosted, *, option: str = "--data") -> Any:
    """Return the request that a model's artifact holds as its example, in the words of the server that answers.

    Files that lie elsewhere tell none; a server that goes on with a text gets one of ours.
    """
    from slipway.specs import Manifest

    model, server = answers.model, answers.server
    locked = project.lock.models.get(model)
    if locked is not None and locked.target == "llm" and not server.continues_text:
        own = "whose server reads its own requests"
        raise UsageError(f"{model} is a language model's files, {own}: give {option} FILE")
    manifest = project.artifact_folder(model, "" if locked is None else locked.digest) / "manifest.json"
    if manifest.is_file():
        told = Manifest.model_validate_json(manifest.read_bytes())
        request = server.request(told.packed, list(told.served.example["inputs"]))
    elif locked is not None and locked.target == "llm":
        request = server.request(None, [PROMPT])
    else:
        raise UsageError(f"{model} is not built here, so there is no example of a request: give one with {option} FILE")
    if request is None:
        raise UsageError(f"{model} is asked with tensors of its own here: give them with {option} FILE")
    return request
