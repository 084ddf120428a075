from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Environment, Stack

from sagemaker_hosting import (
    AsyncEndpoint,
    AsyncFront,
    InferenceComponentsEndpoint,
    InvocationFront,
    MultiContainerEndpoint,
    MultiModelEndpoint,
    Oversight,
    PipelineEndpoint,
    RealtimeEndpoint,
    ServerlessEndpoint,
    Site,
)
from slipway.specs.async_front import AsyncFront as AsyncFrontSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from constructs import Construct

    from sagemaker_hosting.endpoint_watch import EndpointWatch
    from sagemaker_hosting.invocation_front import Target
    from slipway.specs import Deployment
    from slipway.specs.front import BaseFront
    from stacks.shared_stack import SharedStack


class Hosted(Protocol):
    """What every kind of endpoint has."""

    watch: EndpointWatch


KINDS: Final[dict[str, Callable[..., Hosted]]] = {
    "async": AsyncEndpoint,
    "inference-components": InferenceComponentsEndpoint,
    "multi-container": MultiContainerEndpoint,
    "pipeline": PipelineEndpoint,
    "multi-model": MultiModelEndpoint,
    "realtime": RealtimeEndpoint,
    "serverless": ServerlessEndpoint,
}
FRONT_TARGETS: Final[dict[str, Target]] = {
    "inference-components": "component",
    "multi-container": "container",
    "multi-model": "model",
}
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
        hosted = KINDS[spec.kind](
            self, "Endpoint", artifacts=deployment.artifacts, endpoint_name=name, site=site, spec=spec
        )
        self.watch = hosted.watch
        self.unhealthy_name = Oversight(self, "Oversight", watch=hosted.watch).unhealthy_name
        CfnOutput(self, "EndpointName", value=name)
        if spec.front is not None:
            front = self._front(hosted, spec.kind, spec.front, name, site)
            CfnOutput(self, "FrontUrl", value=front.url)

    def _front(
        self, hosted: Hosted, kind: str, front: BaseFront, name: str, site: Site
    ) -> AsyncFront | InvocationFront:
        if isinstance(hosted, AsyncEndpoint):
            assert isinstance(front, AsyncFrontSpec)  # noqa: S101  the kind's own
            return AsyncFront(self, "Front", endpoint_name=name, front=front, requests=hosted.requests, site=site)
        target = FRONT_TARGETS.get(kind)
        return InvocationFront(self, "Front", endpoint_name=name, front=front, site=site, target=target)
