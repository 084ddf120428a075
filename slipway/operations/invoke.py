"""Ask an endpoint as boto3 users do, and wait for its answer where it comes through S3."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from slipway.operations.submit import ONLY_VARIANT, submit
from slipway.operations.target_model import target_model
from slipway.specs import (
    Deployment,
    GateError,
    HostError,
    InferenceComponentsEndpointSpec,
    MultiContainerEndpointSpec,
    UsageError,
)
from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.specs.component import Component

# SageMaker gives a model 60 s; a retry would only ask a struggling model twice.
PATIENCE = Config(read_timeout=65, connect_timeout=5, retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class Reply:
    """What an endpoint said.

    Args:
        endpoint: Its name on AWS.
        variant: The variant that answered, or the inference component that was asked.
        answer: The parsed JSON body.
    """

    endpoint: str
    variant: str
    answer: Any


def endpoint_name(deployment: Deployment, endpoint: str) -> str:
    """Return an endpoint's name on AWS.

    Raises:
        UsageError: If the environment deploys no such endpoint.
    """
    if endpoint not in deployment.endpoints:
        known = ", ".join(deployment.endpoints) or "none"
        hint = did_you_mean(endpoint, deployment.endpoints)
        raise UsageError(f"'{endpoint}' is not an endpoint of {deployment.name}{hint} (known: {known})")
    return deployment.environment.name_prefix + endpoint


def invoke(
    deployment: Deployment,
    endpoint: str,
    request: Any,
    *,
    variant: str | None = None,
    container: str | None = None,
    model: str | None = None,
    component: str | None = None,
    connection: Mapping[str, str] | None = None,
) -> Reply:
    """Send one JSON request through ``sagemaker-runtime`` and return the answer.

    Args:
        deployment: The environment that the endpoint runs in.
        endpoint: By the name of its file.
        request: What is sent, as JSON.
        variant: Which variant answers. Default: SageMaker chooses by weight; asynchronous endpoints have only one.
        container: Which container answers. Default: there is no choice, as in all kinds but multi-container.
        model: Which model of a multi-model endpoint answers; other endpoints take none.
        component: Which inference component answers, by its name in the spec. Default: the only one.
        connection: Settings of a local cloud. Default: the caller's own AWS configuration.

    Raises:
        UsageError: If the environment deploys no such endpoint, or what is named is not one of its own.
        GateError: If the endpoint or its model refuses the request.
        HostError: If nothing can be reached, or there are no credentials.
    """
    name = endpoint_name(deployment, endpoint)
    check_container(deployment, endpoint, container)
    archive = target_model(deployment, endpoint, model)
    if deployment.endpoints[endpoint].kind == "async":
        if variant is not None:
            raise UsageError(f"'{endpoint}' is asynchronous and has one variant: ask it without naming one")
        body = submit(name, request, lambda service: client_for(service, deployment, connection))
        return Reply(name, ONLY_VARIANT, json.loads(body))
    asked = asked_component(deployment, endpoint, component)
    if asked is not None and variant is not None:
        raise UsageError(f"'{endpoint}' hosts inference components and has one variant: ask it without naming one")
    client = client_for("sagemaker-runtime", deployment, connection)
    chosen = {
        "TargetVariant": variant,
        "TargetContainerHostname": container,
        "TargetModel": archive,
        "InferenceComponentName": None if asked is None else f"{name}-{asked.name}",
    }
    target = {key: value for key, value in chosen.items() if value is not None}
    try:
        reply = client.invoke_endpoint(
            EndpointName=name, ContentType="application/json", Body=json.dumps(request).encode(), **target
        )
    except ClientError as error:
        said = error.response.get("OriginalMessage") or error.response["Error"]["Message"]
        raise GateError(f"{name} refused the request: {said}") from error
    except BotoCoreError as error:
        raise HostError(f"{name} cannot be reached: {error}") from error
    answered: str = reply["InvokedProductionVariant"] if asked is None else asked.name
    return Reply(name, answered, json.loads(reply["Body"].read()))


def asked_component(deployment: Deployment, endpoint: str, component: str | None) -> Component | None:
    """Return the inference component that is meant; None on an endpoint that hosts none.

    Raises:
        UsageError: If there is no such component, or none is named and there are several.
    """
    spec = deployment.endpoints[endpoint]
    if not isinstance(spec, InferenceComponentsEndpointSpec):
        if component is not None:
            raise UsageError(f"'{endpoint}' hosts no inference components: ask it without naming one")
        return None
    known = {one.name: one for one in spec.components}
    if component is None and len(known) == 1:
        return spec.components[0]
    if component not in known:
        words = "name the component to ask" if component is None else f"'{component}' is not a component of {endpoint}"
        hint = "" if component is None else did_you_mean(component, known)
        raise UsageError(f"{words}{hint} (known: {', '.join(known)})")
    return known[component]


def check_container(deployment: Deployment, endpoint: str, container: str | None) -> None:
    """Refuse a choice of container that the endpoint does not give, or does not do without.

    Raises:
        UsageError: If it does.
    """
    spec = deployment.endpoints[endpoint]
    if not isinstance(spec, MultiContainerEndpointSpec):
        if container is not None:
            raise UsageError(f"'{endpoint}' is of kind {spec.kind} and lets nobody choose a container: leave it out")
        return
    names = [one.name for one in spec.containers]
    known = f"known: {', '.join(names)}"
    if container is None:
        raise UsageError(f"'{endpoint}' hosts several containers: choose one with --container ({known})")
    if container not in names:
        raise UsageError(f"'{container}' is not a container of '{endpoint}'{did_you_mean(container, names)} ({known})")


def client_for(
    service: str, deployment: Deployment, connection: Mapping[str, str] | None, config: Config = PATIENCE
) -> Any:
    """Make a boto3 client for an environment's region, of the local cloud where one is given."""
    if connection is None:
        return boto3.client(service, region_name=deployment.environment.region, config=config)
    return boto3.client(
        service,
        region_name=deployment.environment.region,
        endpoint_url=connection["AWS_ENDPOINT_URL"],
        aws_access_key_id=connection["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=connection["AWS_SECRET_ACCESS_KEY"],
        config=config,
    )
