"""The part of `slipway build` that is done in an environment's build stack."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from slipway.cli.connection import connection_to
from slipway.specs import Deployment, HostError, Lock, SlipwayError
from slipway.specs.request import Expected
from slipway.specs.source import fetched_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from model_build import Progress
    from slipway.operations import CloudBuilds, Order
    from slipway.specs import Project

    Fetch = Callable[[Project, str], None]


@dataclass
class Outcome:
    """What came of the models that are built in the cloud.

    Args:
        built: Those whose artifacts are here now and were not before.
        missing: Those that have none; they were not built, or are not yet.
        error: Why not; None where they were only begun.
    """

    built: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    error: SlipwayError | None = None


def build_in_cloud(
    project: Project, names: Sequence[str], environment: str, progress: Progress, fetch: Fetch, *, detach: bool
) -> Outcome:
    """Have models built in an environment's build stack, and fetch what came of it; those that are here are left alone.

    Args:
        project: Where they are.
        names: Which.
        environment: Whose build stack.
        progress: Hears what happens.
        fetch: Brings what a model's source names in S3 or a registry to this machine.
        detach: Begin and do not wait.
    """
    from model_build.fetched import is_here
    from slipway import operations

    orders = [_order(project, name) for name in names]
    orders = [one for one in orders if not is_here(project, one.name, one.expected.digest)]
    if not orders:
        return Outcome()
    orders = [replace(one, files={**one.files, **_far_files(project, one.name, fetch)}) for one in orders]
    deployment = Deployment(environment, project.environment(environment), {}, {})
    builds = operations.CloudBuilds(deployment, connection_to(project, deployment))
    executions = builds.begin(orders, progress)
    if detach and executions:
        progress.notice("begun in the cloud: the same command without --detach waits for what comes of it")
        return Outcome(missing=[order.name for order in orders])
    error: SlipwayError | None = None
    try:
        builds.wait(executions, progress)
    except SlipwayError as failed:
        error = failed
    return _taken(project, builds, orders, progress, error)


def _taken(
    project: Project, builds: CloudBuilds, orders: Sequence[Order], progress: Progress, error: SlipwayError | None
) -> Outcome:
    """Fetch what is there; one model that failed is no reason to leave the others."""
    from model_build.fetched import take
    from model_build.progress import BUILT

    outcome = Outcome(error=error)
    for order in orders:
        if builds.is_built(order):
            take(project, order.name, order.expected.digest, partial(builds.fetch, order))
            outcome.built.append(order.name)
            progress.notice(f"{order.name}: {BUILT} in the cloud")
        else:
            outcome.missing.append(order.name)
    if outcome.missing and error is None:
        left = ", ".join(outcome.missing)
        outcome.error = HostError(f"{left}: the build in the cloud ended well and left no artifact: build again")
    return outcome


def _far_files(project: Project, name: str, fetch: Fetch) -> dict[str, Path]:
    """Fetch what a source names elsewhere: a job is cut off from it."""
    source = project.source_of(name)[1]
    if not source.is_far or source.sha256 is None:
        return {}
    fetch(project, name)
    file = fetched_file(project.root, source.sha256)
    return {file.relative_to(project.root).as_posix(): file}


def _order(project: Project, name: str) -> Order:
    from model_build.digest import digest, versions
    from slipway import operations

    spec, named = project.models[name], digest(project, name)
    assert spec.build is not None  # noqa: S101  it is built in the cloud
    locked = project.lock.models.get(name)
    known = locked is not None and locked.digest == named
    return operations.Order(
        build=spec.build,
        expected=Expected(name=name, digest=named, versions=versions(project, name)),
        files={file.relative_to(project.root).as_posix(): file for file in project.build_files(name)},
        lock=Lock(models={name: locked}).text() if known and locked is not None else None,
    )
