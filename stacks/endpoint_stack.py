from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Environment, Stack

from sagemaker_hosting import (
    AsyncEndpoint,
    InvocationFront,
    MultiModelEndpoint,
    RealtimeEndpoint,
    ServerlessEndpoint,
    Site,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from constructs import Construct

    from sagemaker_hosting.invocation_front import Target
    from slipway.specs import Deployment
    from stacks.shared_stack import SharedStack

KINDS: Final[dict[str, Callable[..., Construct]]] = {
    "async": AsyncEndpoint,
    "multi-model": MultiModelEndpoint,
    "realtime": RealtimeEndpoint,
    "serverless": ServerlessEndpoint,
}


TARGETS: Final[dict[str, Target]] = {"multi-model": "model"}
"""What the path of a front ends with, where an endpoint hosts several."""


class EndpointStack(Stack):
    """One endpoint of one environment, with its front.

    Args:
        deployment: All that the environment deploys.
        endpoint: Which of its endpoints.
        shared: Holds what the environment's endpoints use together.
        source_root: Folder that holds ``containers/``, ``lambdas/`` and ``serving/``.
    """

    def __init__(
        self, scope: Construct, *, deployment: Deployment, endpoint: str, shared: SharedStack, source_root: Path
    ) -> None:
        environment, spec = deployment.environment, deployment.endpoints[endpoint]
        name = f"{environment.name_prefix}{endpoint}"
        # All that this stack uploads lies under one prefix, by which the endpoint's role may read its archives.
        uploads = DefaultStackSynthesizer(bucket_prefix=f"slipway/{name}/")
        super().__init__(
            scope,
            f"slipway-{deployment.name}-{endpoint}",
            description=spec.description,
            env=Environment(account=environment.account, region=environment.region),
            synthesizer=uploads,
            tags=environment.tags,
            termination_protection=environment.production,
        )
        # A stack keeps a bound copy to itself, which shares its list of files with the original.
        uploads.bind(self)
        self.add_stack_dependency(shared)
        site = Site(environment=environment, shared=shared.resources, source_root=source_root, uploads=uploads)
        KINDS[spec.kind](self, "Endpoint", artifacts=deployment.artifacts, endpoint_name=name, site=site, spec=spec)
        CfnOutput(self, "EndpointName", value=name)
        if spec.front is not None:
            front = InvocationFront(
                self, "Front", endpoint_name=name, front=spec.front, site=site, target=TARGETS.get(spec.kind)
            )
            CfnOutput(self, "FrontUrl", value=front.url)
