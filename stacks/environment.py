from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from slipway.specs import UsageError
from stacks.build_stack import BuildStack
from stacks.endpoint_stack import EndpointStack
from stacks.shared_stack import SharedStack

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk import App, Stack

    from slipway.specs import Deployment, EnvironmentSpec, Project


def define_part(app: App, project: Project, environment: str, part: str | None, source_root: Path) -> None:
    """Define what the app's context asks for.

    Args:
        app: What the stacks belong to.
        project: Where the specs are.
        environment: Its name.
        part: ``build`` for the stack that models are built by, alone.
            Default: everything.
        source_root: Folder that holds our own sources.

    Raises:
        UsageError: If there is no such environment or part.
        SpecError: If a spec is wrong, or an artifact is missing.
    """
    if part is None:
        define(app, deployment=project.deployment(environment), source_root=source_root)
    elif part == "build":
        define_builds(app, name=environment, environment=project.environment(environment), source_root=source_root)
    else:
        raise UsageError(f"'{part}' is not a part of an environment: the only one is 'build'")


def define(app: App, *, deployment: Deployment, source_root: Path) -> None:
    """Define every stack of one environment, at the top level so that ``cdk deploy --all`` finds them.

    Args:
        app: What they belong to.
        deployment: What the environment deploys.
        source_root: Folder that holds ``containers/``, ``lambdas/`` and ``serving/``.
    """
    shared = SharedStack(app, deployment=deployment)
    endpoints = [
        EndpointStack(app, deployment=deployment, endpoint=endpoint, shared=shared, source_root=source_root)
        for endpoint in sorted(deployment.endpoints)
    ]
    shared.show({endpoint.unhealthy_name: endpoint.watch for endpoint in endpoints})
    if deployment.environment.permissions_boundary is not None:
        for stack in (shared, *endpoints):
            _bound(stack, deployment.environment.permissions_boundary)
    if deployment.environment.builds is not None:
        define_builds(app, name=deployment.name, environment=deployment.environment, source_root=source_root)


def define_builds(app: App, *, name: str, environment: EnvironmentSpec, source_root: Path) -> None:
    """Define the stack that builds an environment's models, which stands before the first of them is built.

    Args:
        app: What it belongs to.
        name: Of the environment.
        environment: What it says.
        source_root: Folder that holds ``containers/``, ``model_build/``, ``serving/`` and ``slipway/``.

    Raises:
        UsageError: If the environment builds none.
    """
    if environment.builds is None:
        raise UsageError(f"environments/{name}.yaml has no 'builds', and so no stack that builds: write 'builds: {{}}'")
    stack = BuildStack(app, name=name, environment=environment, builds=environment.builds, source_root=source_root)
    if environment.permissions_boundary is not None:
        _bound(stack, environment.permissions_boundary)


def _bound(stack: Stack, boundary: str) -> None:
    """Keep every role of a stack within a boundary, also those of constructs that are yet to be written."""
    policy = iam.ManagedPolicy.from_managed_policy_arn(stack, "PermissionsBoundary", boundary)
    iam.PermissionsBoundary.of(stack).apply(policy)
