"""Ask what was deployed, through the doors that its users have."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from slipway import operations
from slipway.demo.compare import agreement, in_words, rows
from slipway.demo.result import CheckedEndpoint, CheckedFront
from slipway.specs import HostError, Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_build import Samples
    from slipway.demo.hosted import Hosted
    from slipway.local_cloud import Cloud
    from slipway.specs import Deployment, LockedModel
    from slipway.specs.manifest import ServedModel

FRONT_OUTPUT = "FrontUrl"
TARGET = "{target}"
HEADERS = {"content-type": "application/json"}
PATIENCE_SECONDS = 35
POLL_SECONDS = 0.2


def ask_endpoint(
    deployment: Deployment, endpoint: str, hosted: Hosted, original: Samples, cloud: Cloud
) -> CheckedEndpoint:
    """Ask one thing that an endpoint hosts through boto3 and compare with the original's answers."""
    connection, spec = _connection(deployment, cloud), deployment.endpoints[endpoint]
    reply = operations.invoke(
        deployment,
        endpoint,
        _request(deployment, hosted, original),
        variant=hosted.variant,
        container=hosted.container,
        model=hosted.model,
        component=hosted.component,
        connection=connection,
    )
    size_ratio, latency_ratio = _ratios([deployment.artifacts[model].locked for model in hosted.models])
    locked = deployment.artifacts[original.model].locked
    answer = hosted.server.answer(_told(deployment, hosted.models[-1]), reply.answer)
    near = agreement(locked.metric, rows(answer), original.answers)
    return CheckedEndpoint(
        name=reply.endpoint,
        kind=spec.kind,
        variant=reply.variant,
        container=hosted.container,
        model=" > ".join(hosted.models),
        size_ratio=round(size_ratio, 4),
        latency_ratio=latency_ratio,
        latency_shape=deployment.artifacts[hosted.models[0]].locked.benchmark[0].shape,
        metric=locked.metric,
        value=locked.value,
        agreement=round(near, 6),
        samples=len(original.inputs),
        answer_checked=near >= original.at_least,
        answer=in_words(original.inputs[0], answer),
    )


def ask_front(deployment: Deployment, endpoint: str, hosted: Hosted, original: Samples, cloud: Cloud) -> CheckedFront:
    """Ask one front through signed HTTP and compare likewise."""
    connection = _connection(deployment, cloud)
    # Where an endpoint hosts several, the address says which one it wants to know.
    asked = _front_url(deployment, endpoint, connection).replace(TARGET, hosted.target or TARGET)
    url = local_url(asked, cloud)
    request = _request(deployment, hosted, original)
    unsigned = _post(url, request, {})
    answer = _post(url, request, _signature(url, request, connection))
    if answer.status_code == httpx.codes.ACCEPTED:
        answer = _polled(local_url(urljoin(asked, answer.headers["location"]), cloud), connection)
    metric = deployment.artifacts[original.model].locked.metric
    near = 0.0
    if answer.status_code == httpx.codes.OK:
        said = hosted.server.answer(_told(deployment, hosted.models[-1]), answer.json())
        near = agreement(metric, rows(said), original.answers)
    guarded = unsigned.status_code == httpx.codes.FORBIDDEN
    return CheckedFront(
        endpoint=endpoint,
        url=url,
        status=answer.status_code,
        unsigned_status=unsigned.status_code,
        agreement=round(near, 6),
        answer_checked=guarded and near >= original.at_least,
    )


def local_url(url: str, cloud: Cloud) -> str:
    """Return where the local cloud answers for an address that AWS would give an API."""
    parts = urlsplit(url)
    return f"{cloud.url}/_aws/execute-api/{parts.netloc.split('.')[0]}{parts.path}"


def _ratios(models: Sequence[LockedModel]) -> tuple[float, float]:
    """Return archives against the originals' weights, and how many times faster than the originals all of it is."""
    if len(models) == 1:
        return models[0].size_ratio, models[0].benchmark[0].ratio
    size = sum(model.archive.size_bytes for model in models) / sum(model.reference_bytes for model in models)
    rows = [model.benchmark[0] for model in models]
    return size, round(sum(row.reference_p50_ms for row in rows) / sum(row.p50_ms for row in rows), 3)


def _connection(deployment: Deployment, cloud: Cloud) -> dict[str, str]:
    place = deployment.environment
    return cloud.environment(account=place.account, region=place.region)


def _request(deployment: Deployment, hosted: Hosted, original: Samples) -> Any:
    return hosted.server.request(_told(deployment, hosted.models[0]), original.inputs)


def _told(deployment: Deployment, model: str) -> ServedModel:
    """Return what a server is told of a model."""
    manifest = deployment.artifacts[model].archive.with_name("manifest.json")
    served = Manifest.model_validate_json(manifest.read_bytes()).packed
    assert served is not None  # noqa: S101  the tour asks no language models
    return served


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


def _post(url: str, request: Any, signature: Mapping[str, str]) -> httpx.Response:
    return _send("POST", url, request, signature)


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
