"""Step Functions' integration of processing jobs: create one and, with ``.sync``, wait for its end."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from .aws import client

if TYPE_CHECKING:
    from .places import Place

RESOURCE: Final = "arn:aws:states:::sagemaker:createProcessingJob"
_POLL_SECONDS: Final = 0.3
# Source: Step Functions developer guide, sample projects on SageMaker: errors are the names of the Java SDK's classes.
_CLASSES: Final = {"ResourceLimitExceeded": "ResourceLimitExceededException", "ResourceInUse": "ResourceInUseException"}


class TaskError(Exception):
    """A task that failed, as state machines see it."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


def run_job(url: str, place: Place, resource: str, request: dict[str, Any]) -> dict[str, Any]:
    """Run one task; blocks, so it is called off the event loop.

    Args:
        url: Of this cloud.
        place: Whose state machine it is.
        resource: Of the task; it ends with ``.sync`` where the task waits.
        request: A ``CreateProcessingJob`` request.

    Raises:
        TaskError: If the request is refused, or the job does not complete.
    """
    sagemaker = client(url, place, "sagemaker")
    try:
        created = sagemaker.create_processing_job(**request)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        name = _CLASSES.get(code, "AmazonSageMakerException")
        raise TaskError(f"SageMaker.{name}", error.response["Error"]["Message"]) from error
    except BotoCoreError as error:  # not even a request
        raise TaskError("States.Runtime", str(error)) from error
    if not resource.endswith(".sync"):
        return {"ProcessingJobArn": created["ProcessingJobArn"]}
    return _ended(sagemaker, request["ProcessingJobName"])


def _ended(sagemaker: Any, name: str) -> dict[str, Any]:
    while True:
        answer = sagemaker.describe_processing_job(ProcessingJobName=name)
        answer.pop("ResponseMetadata", None)
        described: dict[str, Any] = json.loads(
            json.dumps(answer, default=lambda moment: int(1000 * moment.timestamp()))
        )
        status = described["ProcessingJobStatus"]
        if status == "Completed":
            return described
        if status in ("Failed", "Stopped"):
            raise TaskError("States.TaskFailed", json.dumps(described))
        time.sleep(_POLL_SECONDS)
