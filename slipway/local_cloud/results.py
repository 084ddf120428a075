"""What goes in and out of an asynchronous endpoint: requests and answers in S3, announcements through SNS."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from .archive import S3Object
from .aws import client

if TYPE_CHECKING:
    from .exchange import Reply
    from .places import Place

_log = logging.getLogger("slipway.local_cloud")
_MOST_BYTES: Final = 2**30


class ResultError(Exception):
    """A request that S3 does not have, or an answer that it does not take; the message is the reason."""


@dataclass
class Request:
    """One asynchronous request.

    Args:
        config: The ``AsyncInferenceConfig`` that it came under: where the answer goes, who hears of it.
        failure_location: None where the config has no path for failures.
        headers: What the model server gets with it.
        ttl_seconds: How long it may wait.
        timeout_seconds: How long the model may take.
        received: Seconds since the epoch.
        attempts: How often a server died over it.
    """

    place: Place
    endpoint: str
    config: dict[str, Any]
    inference_id: str
    input_location: str
    output_location: str
    failure_location: str | None
    headers: dict[str, str]
    ttl_seconds: int
    timeout_seconds: int
    received: float = field(default_factory=time.time)
    attempts: int = 0

    @property
    def expired(self) -> bool:
        """Whether it has waited too long."""
        return time.time() - self.received > self.ttl_seconds


class Results:
    """Reads requests, writes answers and announces them.

    Args:
        url: Of the cloud whose S3 and SNS are meant.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    async def read(self, request: Request) -> bytes:
        """Return what the model is asked.

        Raises:
            ResultError: If it is not there, or larger than 1 GB.
        """
        return await asyncio.to_thread(self._read, request)

    async def complete(self, request: Request, answer: Reply) -> None:
        """Write an answer, then announce it.

        Raises:
            ResultError: If it cannot be written.
        """
        content_type = answer.headers.get("content-type", "application/octet-stream")
        await asyncio.to_thread(self._write, request.place, request.output_location, answer.body, content_type)
        response = {"contentType": content_type, "outputLocation": request.output_location}
        await self._announce(request, "SuccessTopic", {"invocationStatus": "Completed", "responseParameters": response})

    async def fail(self, request: Request, reason: str, body: bytes | None = None) -> None:
        """Write why there is no answer, where the config asks for it, then announce it.

        Args:
            request: Whose answer is not there.
            reason: In SageMaker's words.
            body: What the model said.
                Default: the reason is written.
        """
        if request.failure_location is not None:
            content = reason.encode() if body is None else body
            try:
                await asyncio.to_thread(self._write, request.place, request.failure_location, content, "text/plain")
            except ResultError as error:
                _log.warning("failure of %s is lost: %s", request.inference_id, error)
        await self._announce(request, "ErrorTopic", {"invocationStatus": "Failed", "failureReason": reason})

    def _read(self, request: Request) -> bytes:
        place = S3Object.parse(request.input_location)
        try:
            found = client(self._url, request.place, "s3").get_object(Bucket=place.bucket, Key=place.key)
            if found["ContentLength"] > _MOST_BYTES:
                raise ResultError(f"The payload at {request.input_location} is larger than 1 GB.")
            body: bytes = found["Body"].read()
        except (BotoCoreError, ClientError) as error:
            raise ResultError(f"Failed to download the payload at {request.input_location}: {error}") from error
        return body

    def _write(self, place: Place, location: str, body: bytes, content_type: str) -> None:
        target = S3Object.parse(location)
        try:
            s3 = client(self._url, place, "s3")
            s3.put_object(Bucket=target.bucket, Key=target.key, Body=body, ContentType=content_type)
        except (BotoCoreError, ClientError) as error:
            raise ResultError(f"Failed to upload the result to {location}: {error}") from error

    async def _announce(self, request: Request, topic: str, outcome: dict[str, Any]) -> None:
        arn = request.config["OutputConfig"].get("NotificationConfig", {}).get(topic)
        if arn is None:
            return
        message = json.dumps(_event(request) | outcome)
        try:
            await asyncio.to_thread(
                lambda: client(self._url, request.place, "sns").publish(TopicArn=arn, Message=message)
            )
        except (BotoCoreError, ClientError) as error:
            _log.warning("announcement of %s to %s failed: %s", request.inference_id, arn, error)


def _event(request: Request) -> dict[str, Any]:
    asked = {"endpointName": request.endpoint, "inputLocation": request.input_location}
    if "content-type" in request.headers:
        asked["contentType"] = request.headers["content-type"]
    return {
        "awsRegion": request.place.region,
        "eventTime": _stamp(time.time()),
        "receivedTime": _stamp(request.received),
        "requestParameters": asked,
        "inferenceId": request.inference_id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


def _stamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
