"""InvokeEndpointAsync: a request is checked, queued and answered with where its result will lie."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Final

from slipway.local_cloud.backlog import Backlog
from slipway.local_cloud.results import Request, Results

from .errors import ApiError, not_modelled
from .shapes import check, coerced, service_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.local_cloud.endpoint import Endpoint
    from slipway.local_cloud.hosting import Hosting

    from .wire import Response

_PREFIX: Final = "x-amzn-sagemaker-"
_UNMODELLED: Final = ("S3OutputPathExtension", "Filename")
_FORWARDED: Final = {
    "ContentType": "content-type",
    "Accept": "accept",
    "CustomAttributes": f"{_PREFIX}custom-attributes",
    "InferenceId": f"{_PREFIX}inference-id",
}
_TTL_SECONDS: Final = 21_600
_TIMEOUT_SECONDS: Final = 900


class AsyncRuntime:
    """Takes asynchronous requests on.

    Args:
        hosting: The endpoints that answer.
        url: Of this cloud, whose S3 and SNS are used.
    """

    def __init__(self, hosting: Hosting, url: str) -> None:
        self._hosting = hosting
        self._results = Results(url)

    def submit(self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes) -> Response:
        """Queue one request and say where its result will lie.

        Raises:
            ApiError: If the request is wrong, or the endpoint answers at once only.
        """
        config = None if endpoint.fleet is None else endpoint.fleet.config.request.get("AsyncInferenceConfig")
        if config is None:
            raise _refused(f"Endpoint {endpoint.name} is not asynchronous: use InvokeEndpoint.")
        request = _request(endpoint, config, _params(headers, body))
        if endpoint.backlog is None:
            endpoint.backlog = Backlog(endpoint, self._results, self._hosting.dice, self._hosting.meter)
        endpoint.backlog.submit(request)
        given = {"content-type": "application/json", f"{_PREFIX}outputlocation": request.output_location}
        if request.failure_location is not None:
            given[f"{_PREFIX}failurelocation"] = request.failure_location
        return 202, given, json.dumps({"InferenceId": request.inference_id}).encode()


def _params(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    shape = service_model("sagemaker-runtime").operation_model("InvokeEndpointAsync").input_shape
    named = {member.serialization.get("name", "").lower(): name for name, member in shape.members.items()}
    params = coerced(shape, {named[header]: value for header, value in headers.items() if header in named})
    for name in _UNMODELLED:
        if name in params:
            raise _refused(not_modelled(f"InvokeEndpointAsync: {name}").message)
    if body:
        raise _refused(not_modelled("InvokeEndpointAsync: Body").message)
    if "InputLocation" not in params:
        raise _refused("InputLocation must be specified.")
    try:
        check(shape, {"EndpointName": "named-by-the-path", **params})
    except ApiError as error:
        raise _refused(error.message) from None
    return dict(params)


def _request(endpoint: Endpoint, config: dict[str, Any], params: dict[str, Any]) -> Request:
    output, name = config["OutputConfig"], uuid.uuid4()
    failures = output.get("S3FailurePath")
    params.setdefault("InferenceId", str(uuid.uuid4()))
    headers = {"accept": "*/*"} | {_FORWARDED[key]: value for key, value in params.items() if key in _FORWARDED}
    return Request(
        place=endpoint.place,
        endpoint=endpoint.name,
        config=config,
        inference_id=params["InferenceId"],
        input_location=params["InputLocation"],
        output_location=f"{output['S3OutputPath'].rstrip('/')}/{name}.out",
        failure_location=None if failures is None else f"{failures.rstrip('/')}/{name}-error.out",
        headers=headers,
        ttl_seconds=params.get("RequestTTLSeconds", _TTL_SECONDS),
        timeout_seconds=params.get("InvocationTimeoutSeconds", _TIMEOUT_SECONDS),
    )


def _refused(message: str) -> ApiError:
    return ApiError("ValidationError", message)
