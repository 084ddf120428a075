from __future__ import annotations

from typing import TYPE_CHECKING

from stacks.endpoint_stack import EndpointStack
from stacks.shared_stack import SharedStack

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk import App

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
