"""Ask the endpoints that were deployed, as boto3's users do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slipway import operations
from slipway.demo.compare import agreement, in_words, rows
from slipway.demo.questions import InTheServersWords
from slipway.demo.result import CheckedEndpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_build import Samples
    from slipway.demo.hosted import Hosted
    from slipway.local_cloud import Cloud
    from slipway.specs import Deployment, LockedModel


def ask_endpoint(
    deployment: Deployment, endpoint: str, hosted: Hosted, original: Samples, cloud: Cloud
) -> CheckedEndpoint:
    """Ask one thing that an endpoint hosts through boto3 and compare with the original's answers."""
    questions = InTheServersWords.of(deployment, hosted, original)
    replies = [
        operations.invoke(
            deployment,
            endpoint,
            request,
            variant=hosted.variant,
            container=hosted.container,
            model=hosted.model,
            component=hosted.component,
            connection=connection_to(deployment, cloud),
        )
        for request in questions.requests
    ]
    answers = [questions.answer(reply.answer) for reply in replies]
    models = [deployment.artifacts[model].locked for model in hosted.models]
    locked = deployment.artifacts[original.model].locked
    near = agreement(locked.metric, np.concatenate([rows(answer) for answer in answers]), original.answers)
    return CheckedEndpoint(
        name=replies[0].endpoint,
        kind=deployment.endpoints[endpoint].kind,
        variant=replies[0].variant,
        container=hosted.container,
        model=" > ".join(hosted.models),
        server=hosted.server.name,
        stand_in=_stand_in(cloud, replies[0].endpoint, replies[0].variant),
        size_ratio=round(_size_ratio(models), 4),
        latency_ratio=_latency_ratio(models),
        latency_shape=models[0].benchmark[0].shape if models[0].benchmark else None,
        metric=locked.metric,
        value=locked.value,
        agreement=round(near, 6),
        samples=len(original.inputs),
        answer_checked=near >= original.at_least,
        answer=in_words(original.inputs[0], answers[0]),
    )


def connection_to(deployment: Deployment, cloud: Cloud) -> dict[str, str]:
    """Return the variables that reach a deployment's account and region in a cloud."""
    place = deployment.environment
    return cloud.environment(account=place.account, region=place.region)


def _size_ratio(models: Sequence[LockedModel]) -> float:
    """Return archives against the originals' weights."""
    return sum(model.archive.size_bytes for model in models) / sum(model.reference_bytes for model in models)


def _latency_ratio(models: Sequence[LockedModel]) -> float | None:
    """Return how many times faster than the originals all of it is; None where nothing was timed."""
    timed = [model.benchmark[0] for model in models if model.benchmark]
    if len(timed) < 2:  # noqa: PLR2004  the median of the paired rounds says it better
        return timed[0].ratio if timed else None
    return round(sum(row.reference_p50_ms for row in timed) / sum(row.p50_ms for row in timed), 3)


def _stand_in(cloud: Cloud, endpoint: str, variant: str) -> str:
    """Say what answers in a server's stead; empty where it is the server itself."""
    running = next(one for one in cloud.endpoints() if one.name == endpoint)
    names = {variant, f"{endpoint}-{variant}"}  # of a variant, and of an inference component
    hosts = [(one.name, one.containers) for one in running.variants]
    hosts += [(one.name, one.containers) for one in running.components]
    found = {container.stand_in for name, containers in hosts if name in names for container in containers}
    return ", ".join(sorted(found - {""}))
