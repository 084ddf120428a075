"""The jobs of Model Monitor, whether defined by themselves or inside of a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Resource, Template

DEFINITIONS: Final = tuple(
    f"AWS::SageMaker::{name}JobDefinition"
    for name in ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
)
INSIDE: Final = ("MonitoringScheduleConfig", "MonitoringJobDefinition")


def jobs(template: Template) -> Iterator[tuple[Resource, Path]]:
    """Yield every job, and the path below which it is described."""
    for definition in template.of_kind(*DEFINITIONS):
        yield definition, ()
    for schedule in template.of_kind("AWS::SageMaker::MonitoringSchedule"):
        if isinstance(schedule.at(*INSIDE), dict):
            yield schedule, INSIDE


def resources(path: Path) -> Path:
    """Return where a job's machines are described."""
    return ("MonitoringResources" if path else "JobResources", "ClusterConfig")


def cluster(resource: Resource, path: Path) -> dict[str, Any]:
    """Return the description of a job's machines; empty where only a deployment knows."""
    found = resource.at(*path, *resources(path))
    return found if isinstance(found, dict) else {}
