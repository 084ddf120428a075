"""Model Monitor: its jobs, defined by themselves or inside of a schedule, and which endpoint each watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from slipway.preflight.hosting import config_of
from slipway.preflight.template import ENDPOINT, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Resource, Template

SCHEDULE: Final = "AWS::SageMaker::MonitoringSchedule"
MOST_SECONDS: Final = {
    "AWS::SageMaker::DataQualityJobDefinition": "monitoring_data_seconds",
    "AWS::SageMaker::ModelBiasJobDefinition": "monitoring_bias_seconds",
    "AWS::SageMaker::ModelExplainabilityJobDefinition": "monitoring_data_seconds",
    "AWS::SageMaker::ModelQualityJobDefinition": "monitoring_bias_seconds",
}
"""Each job definition, and the limit of its hourly jobs."""
INPUTS: Final = {
    "AWS::SageMaker::DataQualityJobDefinition": "DataQualityJobInput",
    "AWS::SageMaker::ModelBiasJobDefinition": "ModelBiasJobInput",
    "AWS::SageMaker::ModelExplainabilityJobDefinition": "ModelExplainabilityJobInput",
    "AWS::SageMaker::ModelQualityJobDefinition": "ModelQualityJobInput",
}
"""Each job definition, and the property that holds its input."""
JOB: Final = ("MonitoringScheduleConfig", "MonitoringJobDefinition")


class Watch(NamedTuple):
    """A schedule or job definition, where it names its endpoint, and what that endpoint deploys."""

    resource: Resource
    path: Path
    config: Resource


def watches(template: Template) -> Iterator[Watch]:
    """Yield every watch over an endpoint whose config the template holds."""
    for resource, path, name in _named(template):
        endpoint = template.named(ENDPOINT, name, key="EndpointName")
        config = None if endpoint is None else config_of(template, endpoint)
        if config is not None:
            yield Watch(resource, path, config)


def _named(template: Template) -> Iterator[tuple[Resource, Path, Any]]:
    for kind, key in INPUTS.items():
        for definition in template.of_kind(kind):
            path = (key, "EndpointInput", "EndpointName")
            yield definition, path, definition.at(*path)
    for schedule in template.of_kind(SCHEDULE):
        inputs = schedule.at(*JOB, "MonitoringInputs")
        for index, each in enumerate(inputs if isinstance(inputs, list) else []):
            below: Path = (*JOB, "MonitoringInputs", index, "EndpointInput", "EndpointName")
            yield schedule, below, value_at(each, ("EndpointInput", "EndpointName"))


def jobs(template: Template) -> Iterator[tuple[Resource, Path]]:
    """Yield every job, and the path below which it is described."""
    for definition in template.of_kind(*INPUTS):
        yield definition, ()
    for schedule in template.of_kind(SCHEDULE):
        if isinstance(schedule.at(*JOB), dict):
            yield schedule, JOB


def resources(path: Path) -> Path:
    """Return where a job's machines are described."""
    return ("MonitoringResources" if path else "JobResources", "ClusterConfig")


def cluster(resource: Resource, path: Path) -> dict[str, Any]:
    """Return the description of a job's machines; empty where only a deployment knows."""
    found = resource.at(*path, *resources(path))
    return found if isinstance(found, dict) else {}
