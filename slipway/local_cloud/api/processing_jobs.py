"""Processing jobs: created, described, listed, stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.local_cloud.records import ProcessingJob

from .errors import invalid, not_modelled
from .modelled import only
from .named import found, new, without_tags
from .sagemaker_lists import listed

if TYPE_CHECKING:
    from slipway.local_cloud.places import Place
    from slipway.local_cloud.processing import Processing

    from .wire import Answer, Operation

IMAGE: Final = "slipway/model-build:local"
_COMMAND: Final = ["python", "-m", "model_build"]
_JOB: Final = {"ProcessingJobName", "ProcessingInputs", "ProcessingOutputConfig", "ProcessingResources"} | {
    "StoppingCondition",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
    "Tags",
}
_CLUSTER: Final = {"InstanceCount", "InstanceType", "VolumeSizeInGB", "VolumeKmsKeyId"}


class ProcessingJobs:
    """The operations on processing jobs."""

    def __init__(self, processing: Processing) -> None:
        self._processing = processing

    def operations(self) -> dict[str, Operation]:
        """Return every operation by its name."""
        return {
            "CreateProcessingJob": self.create,
            "DescribeProcessingJob": self.describe,
            "ListProcessingJobs": self.list,
            "StopProcessingJob": self.stop,
        }

    def create(self, place: Place, params: dict[str, Any]) -> Answer:
        """Record a job that this cloud can run, and start it."""
        _check(params)
        job = new(ProcessingJob, place, params["ProcessingJobName"], params, self._known(place))
        self._processing.create(job)
        return {"ProcessingJobArn": job.arn}

    def describe(self, place: Place, params: dict[str, Any]) -> Answer:
        """Return a job as it was created, and what became of it."""
        job = self._job(place, params)
        became = {
            "ProcessingStartTime": job.started,
            "ProcessingEndTime": job.ended,
            "ExitMessage": job.exit_message,
            "FailureReason": job.failure_reason,
        }
        return {
            **without_tags(job.request),
            **_summary(job),
            **{name: value for name, value in became.items() if value is not None},
        }

    def list(self, place: Place, params: dict[str, Any]) -> Answer:
        """Return jobs, page by page."""
        status = params.get("StatusEquals")
        jobs = [job for job in self._known(place).values() if status in (None, job.status)]
        return listed("ProcessingJobSummaries", params, [_summary(job) for job in jobs], name="ProcessingJobName")

    def stop(self, place: Place, params: dict[str, Any]) -> Answer:
        """Begin to end a job."""
        job = self._job(place, params)
        if job.status not in ("InProgress", "Stopping"):
            raise invalid(f"The request was rejected because the processing job is in status {job.status}.")
        self._processing.stop(job)
        return {}

    def _known(self, place: Place) -> dict[str, ProcessingJob]:
        return self._processing.store.at(place).jobs

    def _job(self, place: Place, params: dict[str, Any]) -> ProcessingJob:
        return found(self._known(place), place, ProcessingJob, params["ProcessingJobName"])


def _summary(job: ProcessingJob) -> dict[str, Any]:
    return {
        "ProcessingJobName": job.name,
        "ProcessingJobArn": job.arn,
        "ProcessingJobStatus": job.status,
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
    }


def _check(params: dict[str, Any]) -> None:
    """Refuse a job that this cloud does not run."""
    only(params, _JOB, "CreateProcessingJob")
    cluster = params["ProcessingResources"].get("ClusterConfig", {})
    only(cluster, _CLUSTER, "CreateProcessingJob: ClusterConfig")
    if cluster.get("InstanceCount") != 1:
        raise not_modelled("CreateProcessingJob: an InstanceCount other than 1")
    application = params["AppSpecification"]
    if application["ImageUri"] != IMAGE:
        raise invalid(
            f"image {application['ImageUri']!r} is not modelled here: only {IMAGE} runs processing jobs without Docker"
        )
    if application.get("ContainerEntrypoint", _COMMAND) != _COMMAND:
        raise not_modelled(f"CreateProcessingJob: a ContainerEntrypoint other than {' '.join(_COMMAND)}")
    for each in params.get("ProcessingInputs", []):
        _check_input(each)
    for each in params.get("ProcessingOutputConfig", {}).get("Outputs", []):
        if each.get("S3Output", {}).get("S3UploadMode") != "EndOfJob":
            raise not_modelled("CreateProcessingJob: an output that does not go to S3 at the job's end")
        _check_path(each["S3Output"].get("LocalPath", ""))


def _check_input(each: dict[str, Any]) -> None:
    given = each.get("S3Input", {})
    plain = given.get("S3InputMode", "File") == "File" and given.get("S3CompressionType", "None") == "None"
    if given.get("S3DataType") != "S3Prefix" or not plain:
        raise not_modelled("CreateProcessingJob: an input that is no S3Prefix in File mode")
    _check_path(given.get("LocalPath", ""))


def _check_path(path: str) -> None:
    if not path.startswith("/opt/ml/processing/") or ".." in path.split("/"):
        raise invalid(f"LocalPath {path!r} must be below /opt/ml/processing/.")
