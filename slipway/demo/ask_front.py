"""Ask the fronts that were deployed, through signed HTTP."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import httpx
import numpy as np
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from slipway import operations
from slipway.demo.ask import connection_to
from slipway.demo.compare import agreement
from slipway.demo.questions import InAChat, InTheServersWords
from slipway.demo.result import CheckedFront
from slipway.specs import HostError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_build import Samples
    from slipway.demo.hosted import Hosted
    from slipway.demo.questions import Questions
    from slipway.local_cloud import Cloud
    from slipway.specs import Deployment

FRONT_OUTPUT = "FrontUrl"
TARGET = "{target}"
HEADERS = {"content-type": "application/json"}
PATIENCE_SECONDS = 35
POLL_SECONDS = 0.2


def ask_front(deployment: Deployment, endpoint: str, hosted: Hosted, original: Samples, cloud: Cloud) -> CheckedFront:
    """Ask one front and compare with the original's answers."""
    connection = connection_to(deployment, cloud)
    # Where an endpoint hosts several, the address says which one it wants to know.
    asked = _front_url(deployment, endpoint, connection).replace(TARGET, hosted.target or TARGET)
    front = deployment.endpoints[endpoint].front
    chats = front is not None and front.chats
    questions: Questions = InAChat(original) if chats else InTheServersWords.of(deployment, hosted, original)
    unsigned = _send("POST", local_url(asked, cloud), questions.requests[0], {})
    answers = [_answered(asked, request, cloud, connection) for request in questions.requests]
    refused = [answer.status_code for answer in answers if answer.status_code != httpx.codes.OK]
    near = 0.0
    if not refused:
        said = np.concatenate([questions.read(answer) for answer in answers])
        near = agreement(deployment.artifacts[original.model].locked.metric, said, questions.originals)
    guarded = unsigned.status_code == httpx.codes.FORBIDDEN
    return CheckedFront(
        endpoint=endpoint,
        url=local_url(asked, cloud),
        status=refused[0] if refused else httpx.codes.OK,
        unsigned_status=unsigned.status_code,
        agreement=round(near, 6),
        answer_checked=guarded and near >= original.at_least,
    )


def local_url(url: str, cloud: Cloud) -> str:
    """Return where the local cloud answers for an address that AWS would give an API."""
    parts = urlsplit(url)
    return f"{cloud.url}/_aws/execute-api/{parts.netloc.split('.')[0]}{parts.path}"


def _answered(asked: str, request: Any, cloud: Cloud, connection: Mapping[str, str]) -> httpx.Response:
    """Return the signed answer, fetched where it comes later."""
    url = local_url(asked, cloud)
    answer = _send("POST", url, request, _signature(url, request, connection))
    if answer.status_code != httpx.codes.ACCEPTED:
        return answer
    return _polled(local_url(urljoin(asked, answer.headers["location"]), cloud), connection)


def _front_url(deployment: Deployment, endpoint: str, connection: Mapping[str, str]) -> str:
    stack = f"slipway-{deployment.name}-{endpoint}"
    client = operations.client_for("cloudformation", deployment, connection)
    outputs = client.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    urls = [output["OutputValue"] for output in outputs if output["OutputKey"] == FRONT_OUTPUT]
    if not urls:
        raise HostError(f"stack {stack} has no output {FRONT_OUTPUT}")
    return str(urls[0])


def _polled(url: str, connection: Mapping[str, str]) -> httpx.Response:
    """Ask for an asynchronous answer until it is there."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        answer = _send("GET", url, None, _signature(url, None, connection))
        if answer.status_code != httpx.codes.ACCEPTED:
            return answer
        time.sleep(POLL_SECONDS)
    raise HostError(f"{url} has no answer after {PATIENCE_SECONDS} s")


def _signature(url: str, request: Any, connection: Mapping[str, str]) -> dict[str, str]:
    method = "GET" if request is None else "POST"
    unsigned = AWSRequest(method, url, data=_body(request), headers=HEADERS)
    credentials = Credentials(connection["AWS_ACCESS_KEY_ID"], connection["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(credentials, "execute-api", connection["AWS_REGION"]).add_auth(unsigned)
    return dict(unsigned.headers)


def _send(method: str, url: str, request: Any, signature: Mapping[str, str]) -> httpx.Response:
    headers = {**HEADERS, **signature}
    try:
        return httpx.request(
            method, url, content=_body(request), headers=headers, timeout=PATIENCE_SECONDS, trust_env=False
        )
    except httpx.HTTPError as error:
        raise HostError(f"{url} cannot be reached: {error}") from error


def _body(request: Any) -> bytes:
    return b"" if request is None else json.dumps(request).encode()
