from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from stacks.endpoint_stack import EndpointStack
from stacks.shared_stack import SharedStack

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk import App, Stack

    from slipway.specs import Deployment


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


def _bound(stack: Stack, boundary: str) -> None:
    """Keep every role of a stack within a boundary, also those of constructs that are yet to be written."""
    policy = iam.ManagedPolicy.from_managed_policy_arn(stack, "PermissionsBoundary", boundary)
    iam.PermissionsBoundary.of(stack).apply(policy)
