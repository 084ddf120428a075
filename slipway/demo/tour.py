"""The tour itself, step by step."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import model_build
from model_build.progress import showing
from slipway import local_cloud
from slipway.demo.ask import ask_endpoint
from slipway.demo.ask_front import ask_front
from slipway.demo.cdk import LoggedCdk
from slipway.demo.hosted import behind_front, hosted
from slipway.demo.result import CheckedEndpoint, CheckedFront, DemoResult
from slipway.demo.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.local_cloud import Cloud
    from slipway.specs import Deployment, Project

ENVIRONMENT = "local"
SAMPLES = 32
TEXTS = 4
"""Samples of a model that goes on with them, token after token."""
AT_ONCE = "4"
"""Stacks that are deployed at a time: cdk looks every five seconds whether one is done."""


def run(project: Project, *, keep: bool) -> DemoResult:
    """Take the tour and write ``.slipway/demo.json``.

    Args:
        project: Whose endpoints are deployed.
        keep: Whether the cloud stays up afterwards; if the tour fails it never does.

    Raises:
        SlipwayError: If a step fails; no process is left behind.
    """
    steps = Steps()
    with steps.step("build", "build the models", alone=False), showing(sys.stderr) as progress:
        model_build.build(project, progress=progress)
    deployment = type(project)(project.root).deployment(ENVIRONMENT)
    with _cloud(project, steps, keep=keep) as cloud:
        _deploy(project, deployment, cloud, steps)
        with steps.step("originals", "ask the original PyTorch models"):
            originals = _originals(project, deployment)
        with steps.step("invoke", "ask every endpoint"):
            endpoints = _ask_endpoints(deployment, cloud, originals)
        with steps.step("fronts", "ask every front"):
            fronts = _ask_fronts(deployment, cloud, originals)
    result = DemoResult(endpoints, fronts, steps.seconds, cloud.environment() if keep else None)
    result.write(project.root / ".slipway" / "demo.json")
    return result


@contextmanager
def _cloud(project: Project, steps: Steps, *, keep: bool) -> Iterator[Cloud]:
    with steps.step("cloud", "start the local cloud"):
        cloud = local_cloud.start(project.root, port=None, leash=True)
    try:
        yield cloud
    except BaseException:
        local_cloud.stop(cloud)
        raise
    if keep:
        local_cloud.release(cloud)
        return
    with steps.step("down", "take everything down"):
        local_cloud.stop(cloud)


def _deploy(project: Project, deployment: Deployment, cloud: Cloud, steps: Steps) -> None:
    place = deployment.environment
    connection = cloud.environment(account=place.account, region=place.region)
    cdk, assembly = LoggedCdk(project.root, connection, cloud.state_folder / "cdk.log"), cloud.state_folder / "cdk.out"
    with steps.step("synth", "cdk synth"):
        cdk.run("synth", "--quiet", "--output", str(assembly), "-c", f"environment={ENVIRONMENT}")
    with steps.step("bootstrap", "cdk bootstrap"):  # this and the next would each synthesise once more
        cdk.run("bootstrap", f"aws://{place.account}/{place.region}", "--app", str(assembly))
    with steps.step("deploy", "cdk deploy --all"):
        cdk.run("deploy", "--all", "--require-approval", "never", "--concurrency", AT_ONCE, "--app", str(assembly))


def _originals(project: Project, deployment: Deployment) -> dict[tuple[str, ...], model_build.Samples]:
    """Ask the originals of everything that is hosted, by the models that a request passes."""
    alone = _each_original(project, deployment)
    wanted = {one.models for spec in deployment.endpoints.values() for one in hosted(spec)}
    return {models: _chained(project, models, alone) for models in sorted(wanted)}


def _chained(project: Project, models: tuple[str, ...], alone: dict[str, model_build.Samples]) -> model_build.Samples:
    """Ask each original what the one before it answered; the question is the first one's, the answer the last one's."""
    answered = alone[models[0]]
    for model in models[1:]:
        following = model_build.samples(project, model, SAMPLES, inputs=answered.answers.tolist())
        answered = replace(following, inputs=answered.inputs)
    return answered


def _each_original(project: Project, deployment: Deployment) -> dict[str, model_build.Samples]:
    """Ask each source once, also where several models are built from it, and all of them at the same time."""
    owners = {project.source_of(model)[0]: model for model in deployment.artifacts}
    with ThreadPoolExecutor() as threads:
        answered = dict(
            zip(
                owners,
                threads.map(lambda model: model_build.samples(project, model, _count(project, model)), owners.values()),
                strict=True,
            )
        )
    return {
        model: replace(
            answered[project.source_of(model)[0]], model=model, at_least=project.models[model].verify.at_least
        )
        for model in deployment.artifacts
    }


def _count(project: Project, model: str) -> int:
    return TEXTS if project.models[model].task == "text-generation" else SAMPLES


def _ask_endpoints(
    deployment: Deployment, cloud: Cloud, originals: dict[tuple[str, ...], model_build.Samples]
) -> tuple[CheckedEndpoint, ...]:
    return tuple(
        ask_endpoint(deployment, endpoint, one, originals[one.models], cloud)
        for endpoint, spec in deployment.endpoints.items()
        for one in hosted(spec)
    )


def _ask_fronts(
    deployment: Deployment, cloud: Cloud, originals: dict[tuple[str, ...], model_build.Samples]
) -> tuple[CheckedFront, ...]:
    return tuple(
        ask_front(deployment, endpoint, one, originals[one.models], cloud)
        for endpoint, spec in deployment.endpoints.items()
        if spec.front is not None
        for one in behind_front(spec)
    )
