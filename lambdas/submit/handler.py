"""Submits HTTP requests to an asynchronous SageMaker endpoint and tells, when asked for one, what became of it."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import sys
import time
from functools import cache
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError

JSON: Final = "application/json"
ID: Final = re.compile(r"[0-9a-f]{32}")
RETRY_SECONDS: Final = "2"
EXPOSED: Final = "Location, Retry-After, X-Request-Id"
MOST_INLINE_BYTES: Final = 4 * 1024 * 1024  # Lambda answers with at most 6 MB, and base64 makes three bytes four
LINK_SECONDS: Final = 300
# SageMaker's clock and ours may differ, and what it writes takes a moment.
GRACE_SECONDS: Final = 60
# What the model server says about a request goes to whoever sent it; what it says about itself does not.
CALLERS_FAULT: Final = {
    "body_too_large": 413,
    "invalid_custom_attributes": 400,
    "invalid_input": 400,
    "malformed_json": 400,
    "not_acceptable": 406,
    "too_many_inputs": 413,
    "unsupported_media_type": 415,
}


class Failure(NamedTuple):
    """An error as the caller sees it."""

    status: int
    code: str
    message: str


class FrontError(Exception):
    """Ends a request with a failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


EMPTY: Final = Failure(400, "empty", "the body is empty: send what the model is asked")
UNKNOWN: Final = Failure(404, "unknown", "there is no request of this id, or it was deleted")
EXPIRED: Final = Failure(410, "expired", "the request was not answered in time: submit it again")
THROTTLED: Final = Failure(429, "throttled", "too many requests: wait and try again")
MODEL_FAILED: Final = Failure(502, "model_failed", "the model failed to answer")
UNAVAILABLE: Final = Failure(503, "unavailable", "the endpoint does not take requests: wait and try again")
INTERNAL: Final = Failure(500, "internal", "the request could not be passed on")


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request of an API Gateway proxy integration; never raises.

    ``POST`` submits the body and answers 202 with an id; ``GET`` on the id answers 202 until there is a result, then
    the model's answer, or why there is none.

    Args:
        event: The request, in the format of REST APIs.
        context: Lambda's own; names the request where the event does not.
    """
    started = time.monotonic()
    request_id = str(event.get("requestContext", {}).get("requestId") or context.aws_request_id)
    error = None
    try:
        answer = _submit(event) if event["httpMethod"] == "POST" else _poll(event)
    except Exception as raised:  # noqa: BLE001  whatever it is, the caller gets a status and the log the reason
        error = raised
        answer = _refusal(_failure(raised), request_id)
    answer["headers"] |= {"X-Request-Id": request_id, **_readable_by(event)}
    _log(answer, error, request_id=request_id, milliseconds=round((time.monotonic() - started) * 1000))
    return answer


def _submit(event: dict[str, Any]) -> dict[str, Any]:
    text = event.get("body") or ""
    body = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()
    if not body:
        raise FrontError(EMPTY)
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    passed = {"ContentType": headers.get("content-type"), "Accept": headers.get("accept")}
    given = {name: value for name, value in passed.items() if value is not None}
    name, bucket = secrets.token_hex(16), os.environ["SLIPWAY_BUCKET"]
    _client("s3").put_object(Bucket=bucket, Key=f"input/front/{name}", Body=body)
    submitted = _client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=os.environ["SLIPWAY_ENDPOINT_NAME"],
        InputLocation=f"s3://{bucket}/input/front/{name}",
        InferenceId=name,
        RequestTTLSeconds=_seconds("SLIPWAY_REQUEST_TTL_SECONDS"),
        InvocationTimeoutSeconds=_seconds("SLIPWAY_INVOCATION_TIMEOUT_SECONDS"),
        **given,
    )
    # SageMaker alone decides where the result will lie.
    ticket = {key: _key(submitted[f"{key.capitalize()}Location"]) for key in ("output", "failure")}
    document = json.dumps({**ticket, "submitted": time.time()}).encode()
    _client("s3").put_object(Bucket=bucket, Key=f"tickets/{name}", Body=document, ContentType=JSON)
    path = event.get("requestContext", {}).get("path") or event["path"]
    return _waiting(name, {"Location": f"{path.rstrip('/')}/{name}"})


def _poll(event: dict[str, Any]) -> dict[str, Any]:
    name = str((event.get("pathParameters") or {}).get("id"))
    found = _get(f"tickets/{name}") if ID.fullmatch(name) else None
    if found is None:
        raise FrontError(UNKNOWN)
    ticket = json.load(found["Body"])
    age = time.time() - ticket["submitted"]
    if (answer := _get(ticket["output"])) is not None:
        return _answer(ticket["output"], answer)
    if (failure := _get(ticket["failure"])) is not None:
        return _model_failure(failure["Body"].read(MOST_INLINE_BYTES), age)
    if age > sum(map(_seconds, ("SLIPWAY_REQUEST_TTL_SECONDS", "SLIPWAY_INVOCATION_TIMEOUT_SECONDS"))) + GRACE_SECONDS:
        raise FrontError(EXPIRED)
    return _waiting(name, {})


def _answer(key: str, found: dict[str, Any]) -> dict[str, Any]:
    if found["ContentLength"] <= MOST_INLINE_BYTES:
        return _response(200, found["Body"].read(), found.get("ContentType", JSON), {"Cache-Control": "no-store"})
    found["Body"].close()
    where = {"Bucket": os.environ["SLIPWAY_BUCKET"], "Key": key}
    link = _client("s3").generate_presigned_url("get_object", Params=where, ExpiresIn=LINK_SECONDS)
    body = json.dumps({"status": "done", "location": link}).encode()
    return _response(303, body, JSON, {"Location": link, "Cache-Control": "no-store"})


def _model_failure(said: bytes, age: float) -> dict[str, Any]:
    """Answer with the model's own words where they are about the request; S3 keeps them without their status."""
    try:
        code = json.loads(said)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        code = None
    if isinstance(code, str) and code in CALLERS_FAULT:
        return _response(CALLERS_FAULT[code], said, JSON, {})
    waited_too_long = code is None and age >= _seconds("SLIPWAY_REQUEST_TTL_SECONDS")
    raise FrontError(EXPIRED if waited_too_long else MODEL_FAILED)


@cache
def _client(service: str) -> Any:
    # One more attempt at most: the caller waits, and decides better about a third.
    config = Config(
        connect_timeout=0.8,
        read_timeout=_seconds("SLIPWAY_READ_TIMEOUT_SECONDS"),
        retries={"total_max_attempts": 2},
        signature_version="s3v4" if service == "s3" else "v4",  # the links, too: only this version reads with a key
    )
    return boto3.client(service, config=config)


def _get(key: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = _client("s3").get_object(Bucket=os.environ["SLIPWAY_BUCKET"], Key=key)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NoSuchKey":
            return None
        raise
    return found


def _key(location: str) -> str:
    return urlsplit(location).path.removeprefix("/")


def _seconds(variable: str) -> int:
    return int(os.environ[variable])


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


def _waiting(name: str, headers: dict[str, str]) -> dict[str, Any]:
    body = json.dumps({"id": name, "status": "waiting"}).encode()
    return _response(202, body, JSON, {"Retry-After": RETRY_SECONDS, "Cache-Control": "no-store", **headers})


def _response(status: int, body: bytes, content_type: str, headers: dict[str, str]) -> dict[str, Any]:
    """Write text as text and everything else in base64, which API Gateway turns back into bytes."""
    text = content_type.startswith(("text/", JSON))
    return {
        "statusCode": status,
        "headers": {"Content-Type": content_type, **headers},
        "isBase64Encoded": not text,
        "body": body.decode() if text else base64.b64encode(body).decode(),
    }


def _refusal(failure: Failure, request_id: str) -> dict[str, Any]:
    body = {"error": {"code": failure.code, "message": failure.message}, "request_id": request_id}
    retry = {"Retry-After": RETRY_SECONDS} if failure in {THROTTLED, UNAVAILABLE} else {}
    return _response(failure.status, json.dumps(body).encode(), JSON, retry)


def _failure(error: Exception) -> Failure:
    if isinstance(error, FrontError):
        return error.failure
    if isinstance(error, HTTPClientError):
        return UNAVAILABLE
    if not isinstance(error, ClientError):
        return INTERNAL
    code = error.response.get("Error", {}).get("Code", "")
    if code in {"SlowDown", "ThrottlingException", "TooManyRequestsException"}:
        return THROTTLED
    # The only thing that SageMaker may dislike in what is sent from here is an endpoint that is not in service.
    unavailable = {"InternalFailure", "ServiceUnavailable", "ServiceUnavailableException", "ValidationError"}
    return UNAVAILABLE if code in unavailable else INTERNAL


def _log(answer: dict[str, Any], error: Exception | None, **facts: Any) -> None:
    """Write one line of JSON about a request: never what it said, nor what was answered, nor its id."""
    status = answer["statusCode"]
    line = {"level": "INFO" if error is None else "ERROR" if status == INTERNAL.status else "WARNING"}
    line |= {"message": "asked", "status": status, **facts}
    if error is not None:
        line["error"] = type(error).__name__
        if isinstance(error, ClientError):
            line["error_code"] = error.response.get("Error", {}).get("Code")
    sys.stdout.write(json.dumps(line) + "\n")
