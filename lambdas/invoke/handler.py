"""Passes one HTTP request to a SageMaker endpoint and its answer back, with the status code that it deserves."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import time
from functools import cache
from typing import Any, Final, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)

JSON: Final = "application/json"
# With the model's read time-out this stays below the function's own, which is one second longer.
CONNECT_SECONDS: Final = 0.8
RETRY_SECONDS: Final = "1"
EXPOSED: Final = "Retry-After, X-Invoked-Variant, X-Request-Id"
# What a model says about a request goes to whoever sent it; what it says about itself does not.
CALLERS_FAULT: Final = frozenset({400, 406, 413, 415, 422})
TIMED_OUT: Final = 0  # SageMaker's original status for a container that never answered
TARGET_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
TARGETS: Final = {
    "model": ("TargetModel", "{name}.tar.gz"),
    "container": ("TargetContainerHostname", "{name}"),
    "component": ("InferenceComponentName", "{endpoint}-{name}"),
}


class Failure(NamedTuple):
    """An error as the caller sees it."""

    status: int
    code: str
    message: str


THROTTLED: Final = Failure(429, "throttled", "too many requests: wait and try again")
UNAVAILABLE: Final = Failure(503, "unavailable", "the endpoint is not ready to answer: wait and try again")
TIMEOUT: Final = Failure(504, "timeout", "the model did not answer in time")
MODEL_FAILED: Final = Failure(502, "model_failed", "the model failed to answer")
INTERNAL: Final = Failure(500, "internal", "the request could not be passed on")
BAD_TARGET: Final = Failure(400, "invalid_target", "the path's last part is no name: letters, digits, inner . _ -")
NO_TARGET: Final = Failure(404, "unknown_target", "the endpoint has nothing of the name that ends the path")

FAILURES: Final = {
    "InternalDependencyException": MODEL_FAILED,
    "InternalFailure": MODEL_FAILED,
    "ModelNotReadyException": UNAVAILABLE,
    "ServiceUnavailable": UNAVAILABLE,
    "ServiceUnavailableException": UNAVAILABLE,
    "ThrottledException": THROTTLED,
    "ThrottlingException": THROTTLED,
    "TooManyRequestsException": THROTTLED,
}
CONNECTION_FAILURES: Final = {  # the first that fits
    ReadTimeoutError: TIMEOUT,
    ConnectTimeoutError: TIMEOUT,
    EndpointConnectionError: UNAVAILABLE,
    HTTPClientError: MODEL_FAILED,
}


class RefusedError(Exception):
    """A request that is not passed on.

    Args:
        failure: What the caller is told.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request of an API Gateway proxy integration; never raises.

    Args:
        event: The request, in the format of REST APIs.
        context: Lambda's own; names the request where the event does not.
    """
    started = time.monotonic()
    request_id = str(event.get("requestContext", {}).get("requestId") or context.aws_request_id)
    error = None
    try:
        answer = _invoke(event, request_id)
    except Exception as raised:  # noqa: BLE001  whatever it is, the caller gets a status and the log the reason
        error = raised
        answer = _explain(raised, request_id)
    answer["headers"] |= {"X-Request-Id": request_id, **_readable_by(event)}
    _log(answer, error, request_id=request_id, milliseconds=round((time.monotonic() - started) * 1000))
    return answer


@cache
def _client() -> Any:
    read_seconds = int(os.environ["SLIPWAY_READ_TIMEOUT_SECONDS"])
    # One attempt: the caller has no time for a second, and decides about it better.
    config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=read_seconds, retries={"total_max_attempts": 1})
    return boto3.client("sagemaker-runtime", config=config)


def _invoke(event: dict[str, Any], request_id: str) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    passed = {"ContentType": headers.get("content-type"), "Accept": headers.get("accept"), **_target(event)}
    body = event.get("body") or ""
    answer = _client().invoke_endpoint(
        EndpointName=os.environ["SLIPWAY_ENDPOINT_NAME"],
        Body=base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(),
        InferenceId=request_id,
        **{name: value for name, value in passed.items() if value is not None},
    )
    variant = {"X-Invoked-Variant": answer.get("InvokedProductionVariant", "")}
    return _response(200, answer["Body"].read(), answer.get("ContentType", JSON), variant)


def _target(event: dict[str, Any]) -> dict[str, str]:
    """Which model, container or component is asked, where the endpoint hosts several: the path's last part."""
    kind = os.environ.get("SLIPWAY_TARGET")
    if kind is None:
        return {}
    name = str((event.get("pathParameters") or {}).get("target", ""))
    if TARGET_NAME.fullmatch(name) is None:
        raise RefusedError(BAD_TARGET)
    key, pattern = TARGETS[kind]
    return {key: pattern.format(endpoint=os.environ["SLIPWAY_ENDPOINT_NAME"], name=name)}


def _readable_by(event: dict[str, Any]) -> dict[str, str]:
    """Let scripts of the sites that may call read the answer; preflight requests are the gateway's own affair."""
    allowed = os.environ.get("SLIPWAY_ORIGINS", "").split()
    if not allowed:
        return {}
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    origin = "*" if "*" in allowed else headers.get("origin")
    if origin not in allowed:
        return {"Vary": "Origin"}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED, "Vary": "Origin"}


def _response(status: int, body: bytes, content_type: str, headers: dict[str, str]) -> dict[str, Any]:
    """Write text as text and everything else in base64, which API Gateway turns back into bytes."""
    text = content_type.startswith(("text/", JSON))
    return {
        "statusCode": status,
        "headers": {"Content-Type": content_type, **headers},
        "isBase64Encoded": not text,
        "body": body.decode() if text else base64.b64encode(body).decode(),
    }


def _explain(error: Exception, request_id: str) -> dict[str, Any]:
    if isinstance(error, ClientError) and error.response.get("OriginalStatusCode") in CALLERS_FAULT:
        said = _models_own_words(error)
        if said is not None:
            return _response(error.response["OriginalStatusCode"], said, JSON, {})
    failure = _failure(error)
    body = {"error": {"code": failure.code, "message": failure.message}, "request_id": request_id}
    retry = {"Retry-After": RETRY_SECONDS} if failure in {THROTTLED, UNAVAILABLE} else {}
    return _response(failure.status, json.dumps(body).encode(), JSON, retry)


def _models_own_words(error: ClientError) -> bytes | None:
    """Return the body that the model wrote, where it is JSON."""
    said = str(error.response.get("OriginalMessage", ""))
    try:
        json.loads(said)
    except ValueError:
        return None
    return said.encode()


def _failure(error: Exception) -> Failure:
    if isinstance(error, RefusedError):
        return error.failure
    if isinstance(error, ClientError):
        return _service_failure(error)
    return next((failure for kind, failure in CONNECTION_FAILURES.items() if isinstance(error, kind)), INTERNAL)


def _service_failure(error: ClientError) -> Failure:
    code = error.response.get("Error", {}).get("Code", "")
    if code == "ModelError":
        return _model_failure(int(error.response.get("OriginalStatusCode", 500)))
    if code in {"ValidationError", "ValidationException"}:
        return _validation_failure(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return FAILURES.get(code, {429: THROTTLED, 503: UNAVAILABLE}.get(status, INTERNAL))


def _model_failure(status: int) -> Failure:
    if status in CALLERS_FAULT:
        return Failure(status, "refused", "the model refused the request")
    return {429: THROTTLED, 503: UNAVAILABLE, 504: TIMEOUT, TIMED_OUT: TIMEOUT}.get(status, MODEL_FAILED)


def _validation_failure(error: ClientError) -> Failure:
    said = str(error.response.get("Error", {}).get("Message", "")).lower()
    # As remembered or guessed, not as documented: what SageMaker says of a model, component or container it has not.
    if "failed to download model data" in said or re.match(
        r"(inference component|container \S+ of endpoint).* not found", said
    ):
        return NO_TARGET
    # An endpoint that is not there, or not in service, or asleep, is no fault of the request.
    if "has no capacity" in said or "not found" in said or "inservice" in said or "in service" in said:
        return UNAVAILABLE
    return Failure(400, "invalid", "the request was refused as invalid")


def _log(answer: dict[str, Any], error: Exception | None, **facts: Any) -> None:
    """Write one line of JSON about a request: never what it said, nor what was answered."""
    line = {
        "level": "INFO" if error is None else "WARNING" if answer["statusCode"] != INTERNAL.status else "ERROR",
        "message": "invoked",
        "status": answer["statusCode"],
        "variant": answer["headers"].get("X-Invoked-Variant"),
        **facts,
    }
    if error is not None:
        line["error"] = type(error).__name__
        if isinstance(error, ClientError):
            line["error_code"] = error.response.get("Error", {}).get("Code")
            line["original_status"] = error.response.get("OriginalStatusCode")
    sys.stdout.write(json.dumps({key: value for key, value in line.items() if value is not None}) + "\n")
