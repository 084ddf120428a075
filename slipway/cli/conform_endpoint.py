"""An endpoint as ``slipway conform`` asks it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from slipway.cli.options import find_project
from slipway.specs import RealtimeEndpointSpec, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.cli.conform_requests import Requests
    from slipway.operations.conform import EndpointDoor, Example
    from slipway.specs import Project
    from slipway.specs.endpoint import AnyEndpoint
    from slipway.specs.hosted import Hosted


def door_to(
    name: str, environment: str, variant: str | None, project: Path | None, asked: Requests
) -> tuple[EndpointDoor, str]:
    """Return the door to an endpoint, and what its server is.

    Where nothing else is asked, it is asked its model's example.
    """
    from slipway import operations
    from slipway.cli.connection import connection_to
    from slipway.operations.conform import EndpointDoor
    from slipway.specs.hosted import answering

    found = find_project(project)
    deployment = found.deployment(environment, with_artifacts=False)
    target = {"EndpointName": operations.endpoint_name(deployment, name)}
    spec = deployment.endpoints[name]
    if spec.kind not in {"realtime", "serverless"}:
        raise UsageError(f"'{name}' is of kind {spec.kind}: real-time and serverless endpoints are checked")
    _refuse_variant(name, spec, variant)
    if variant is not None:
        target["TargetVariant"] = variant
    answers = answering(spec, variant=variant)
    assert answers is not None  # noqa: S101  of these kinds, and of a variant that there is
    if not asked.examples:
        asked.examples.append(_own_example(found, answers))
    connection = connection_to(found, deployment)
    return EndpointDoor(operations.client_for("sagemaker-runtime", deployment, connection), target), answers.server.name


def _refuse_variant(name: str, spec: AnyEndpoint, variant: str | None) -> None:
    several = [one.name for one in spec.variants] if isinstance(spec, RealtimeEndpointSpec) else []
    if (variant is None and len(several) > 1) or (variant is not None and variant not in several):
        asked = "it has several" if variant is None else f"'{variant}' is none of them"
        raise UsageError(f"'{name}': give --variant, {asked} (known: {', '.join(several) or 'none'})")


def _own_example(project: Project, answers: Hosted) -> Example:
    from slipway.cli.invoke import example_of
    from slipway.operations.conform import Example

    request = example_of(project, answers, option="--example")
    return Example(json.dumps(request).encode(), name=f"the example of {answers.model}")
