"""How commands reach what they ask: AWS, or the local cloud."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from slipway.specs import HostError

if TYPE_CHECKING:
    from slipway.specs import Deployment, Project


def connection_to(project: Project, deployment: Deployment) -> dict[str, str] | None:
    """Return the variables that reach the local cloud of a project; None for environments that are on AWS.

    Raises:
        HostError: If the environment is the local one and no local cloud is running.
    """
    if deployment.name != "local":
        return None
    from slipway import local_cloud

    clouds = local_cloud.running(project.root)
    if not clouds:
        raise HostError("no local cloud of this project is running: start one with `slipway local up`")
    # A shell that was pointed at one of them means that one; else the newest.
    chosen = next((cloud for cloud in clouds if cloud.url == os.environ.get("AWS_ENDPOINT_URL")), clouds[-1])
    place = deployment.environment
    return chosen.environment(account=place.account, region=place.region)
