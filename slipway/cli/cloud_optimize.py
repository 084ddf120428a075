"""The part of `slipway build` that SageMaker's optimization and compilation jobs do, after the build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.cli.connection import connection_to
from slipway.specs import Deployment, HostError, SlipwayError
from slipway.specs.neo import LEGACY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_build import Progress
    from slipway.operations import CloudOrder
    from slipway.specs import Project

CANNOT = (
    "the local cloud cannot run optimization or compilation jobs: "
    "name an environment on AWS with -e, or leave them out with --here"
)


def optimize_in_cloud(
    project: Project, names: Sequence[str], environment: str, progress: Progress, *, here: bool, detach: bool
) -> None:
    """Have optimised what specs want optimised, all jobs side by side, and record what came of them.

    Args:
        project: Where the models are.
        names: Which of them were built.
        environment: Whose build stack.
        progress: Hears what happens.
        here: Leave the jobs out, and say so.
        detach: Begin them and do not wait.

    Raises:
        GateError: If a job failed, with the reason.
        HostError: If the environment cannot run them, or nothing can be reached.
        InterruptedByUser: On Ctrl-C; the jobs go on.
    """
    from model_build.optimized import is_optimized, record

    due = [name for name in names if not is_optimized(project, name)]
    for name in due:
        record(project, name, project.lock.models[name].digest, None)  # of other settings, or of none
    wanted = [_order(project, name, progress) for name in due if project.models[name].cloud_job is not None]
    if not wanted:
        return
    named = ", ".join(one.name for one in wanted)
    if here:
        progress.notice(f"{named}: not optimised, as --here has it: no endpoint takes it so")
        return
    if environment == "local":
        raise HostError(f"{named}: {CANNOT}")
    if neo := [name for name in due if project.models[name].neo is not None]:
        progress.notice(f"{', '.join(neo)}: {LEGACY}; the artifact is proved, what Neo makes of the original is not")
    _run(project, wanted, environment, progress, detach=detach)


def _run(project: Project, wanted: Sequence[CloudOrder], environment: str, progress: Progress, *, detach: bool) -> None:
    from model_build.endings import together
    from model_build.optimized import record
    from slipway import operations
    from slipway.specs import InterruptedByUser

    deployment = Deployment(environment, project.environment(environment), {}, {})
    jobs = operations.Optimizations(deployment, connection_to(project, deployment))
    errors: list[SlipwayError] = []
    begun: list[tuple[CloudOrder, str]] = []
    for one in wanted:
        try:
            begun.append((one, jobs.begin(one, progress)))
        except SlipwayError as error:  # one that fails takes no other along
            errors.append(error)
    for one, job in () if detach else begun:
        try:
            record(project, one.name, one.digest, jobs.wait(one, job, progress))
        except InterruptedByUser:
            raise
        except SlipwayError as error:
            errors.append(error)
    if detach and begun:
        progress.notice("begun in the cloud: the same command without --detach waits for what comes of it")
    if errors:
        raise together(errors)


def _order(project: Project, name: str, progress: Progress) -> CloudOrder:
    from model_build.for_neo import for_neo
    from model_build.passes.package_checkpoint import MODEL_FOLDER
    from slipway import operations

    digest, spec = project.lock.models[name].digest, project.models[name]
    if spec.neo is not None:
        return operations.Compilation(name, digest, spec.neo, lambda: for_neo(project, name, digest, progress))
    assert spec.optimize is not None  # noqa: S101  it is to be optimised
    return operations.Optimization(name, digest, spec.optimize, project.artifact_folder(name, digest) / MODEL_FOLDER)
