"""Ask an asynchronous endpoint: the request goes into its bucket, the answer is fetched from there."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from slipway.specs import GateError, HostError

if TYPE_CHECKING:
    from collections.abc import Callable

ONLY_VARIANT: Final = "AllTraffic"
# A fleet that sleeps takes minutes to wake up.
PATIENCE_SECONDS: Final = 900
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 5.0


def submit(name: str, request: Any, client_for: Callable[[str], Any]) -> bytes:
    """Send one JSON request through S3 and wait for its answer.

    Args:
        name: Of the endpoint on AWS.
        request: What is asked.
        client_for: Makes a boto3 client by the service's name.

    Raises:
        GateError: If the endpoint or its model refuses the request, or does not answer within 15 minutes.
        HostError: If nothing can be reached, or there are no credentials.
    """
    try:
        return _submit(name, request, client_for)
    except ClientError as error:
        raise GateError(f"{name} refused the request: {error.response['Error']['Message']}") from error
    except BotoCoreError as error:
        raise HostError(f"{name} cannot be reached: {error}") from error


def _submit(name: str, request: Any, client_for: Callable[[str], Any]) -> bytes:
    s3 = client_for("s3")
    config = client_for("sagemaker").describe_endpoint(EndpointName=name)["AsyncInferenceConfig"]
    bucket = urlsplit(config["OutputConfig"]["S3OutputPath"]).netloc
    key = f"input/{uuid.uuid4()}.json"
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(request).encode(), ContentType="application/json")
    taken = client_for("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=name, InputLocation=f"s3://{bucket}/{key}", ContentType="application/json"
    )
    end, pause = time.monotonic() + PATIENCE_SECONDS, _FIRST_PAUSE_SECONDS
    while time.monotonic() < end:
        if (answer := _read(s3, taken["OutputLocation"])) is not None:
            return answer
        if (reason := _read(s3, taken["FailureLocation"])) is not None:
            raise GateError(f"{name} refused the request: {reason.decode(errors='replace')}")
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
    raise GateError(f"{name} did not answer within {PATIENCE_SECONDS} s: {taken['OutputLocation']} is not there")


def _read(s3: Any, location: str) -> bytes | None:
    """Return what lies there, None where nothing does yet."""
    place = urlsplit(location)
    try:
        body: bytes = s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None
    return body
