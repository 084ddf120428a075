"""Invocations: from the caller to one server process and back, or into the queue of an asynchronous endpoint."""

from __future__ import annotations

import asyncio
import contextlib
import re
import uuid
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from slipway.local_cloud import event_stream, model_error
from slipway.local_cloud.archive import ArchiveError
from slipway.local_cloud.library import TARGET_MODEL, ModelNotReadyError
from slipway.local_cloud.server_process import INVOCATION_SECONDS, ServerDownError, StartupError
from slipway.local_cloud.traffic import NoVariantError
from slipway.local_cloud.variant import ContainerError

from .errors import ApiError, not_modelled
from .wire import Response, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.local_cloud.capture import Capture
    from slipway.local_cloud.component_hosting import ComponentHosting
    from slipway.local_cloud.endpoint import Endpoint
    from slipway.local_cloud.exchange import Reply
    from slipway.local_cloud.hosting import Hosting
    from slipway.local_cloud.places import Place
    from slipway.local_cloud.streamed_answer import StreamedAnswer
    from slipway.local_cloud.variant import Variant

    from .async_runtime import AsyncRuntime
    from .wire import StreamedResponse

PATH: Final = re.compile(r"/endpoints/([^/]+)/(invocations|async-invocations|invocations-response-stream)")
_MOST_BYTES: Final = 6 * 1024 * 1024
_PREFIX: Final = "x-amzn-sagemaker-"
_UNMODELLED: Final = (
    "enable-explanations",
    "session-id",
    "prefix-aware-id",
)

# As AWS says it; callers and scalers know these by their words.
COMPONENT_NEEDED: Final = (
    "Inference Component Name header is required for endpoints to which you plan to deploy inference components. "
    "Please include Inference Component Name header or consider using SageMaker models."
)
COMPONENT_FORBIDDEN: Final = (
    "Inference Component Name header is not allowed for endpoints to which you dont plan to deploy inference "
    "components. Please remove the Inference Component Name header and try again."
)
NO_CAPACITY: Final = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if "
    "configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
)


class Runtime:
    """The data plane: invocations of endpoints.

    Args:
        hosting: The endpoints that answer.
        capture: Keeps what is said, where an endpoint asks for it.
        later: Takes on what is answered later.
        components: The inference components that answer.
    """

    def __init__(self, hosting: Hosting, capture: Capture, later: AsyncRuntime, components: ComponentHosting) -> None:
        self._hosting = hosting
        self._components = components
        self._later = later
        self._capture = capture
        self._copies: set[asyncio.Task[None]] = set()

    async def invoke(
        self, place: Place, path: str, headers: Mapping[str, str], body: bytes
    ) -> Response | StreamedResponse:
        """Answer one invocation.

        Args:
            place: Whose endpoints are meant.
            path: Of the request; it must match PATH.
            headers: Of the request, names in lower case.
            body: What the model gets, at most 6 MB.
        """
        try:
            return await self._invoke(place, path, headers, body)
        except ApiError as error:
            return refusal(error)

    async def _invoke(
        self, place: Place, path: str, headers: Mapping[str, str], body: bytes
    ) -> Response | StreamedResponse:
        match = PATH.fullmatch(path)
        if match is None:
            raise not_modelled(f"sagemaker-runtime: {path}")
        if match[2] == "async-invocations":
            return self._later.submit(self._endpoint(place, unquote(match[1])), headers, body)
        _check_request(headers, body)
        endpoint = self._endpoint(place, unquote(match[1]))
        if endpoint.fleet is not None and "AsyncInferenceConfig" in endpoint.fleet.config.request:
            raise _validation(f"Endpoint {endpoint.name} is asynchronous: use InvokeEndpointAsync.")
        variant = self._answering(endpoint, headers)
        container = _target_container(endpoint, variant, headers)
        _check_target_model(endpoint, variant, headers)
        shadow = self._shadow(endpoint, variant)
        try:
            if match[2] == "invocations-response-stream":
                return await self._stream(endpoint, variant, headers, body, container=container)
            answer = await self._answer(endpoint, variant, headers, body, container=container)
        finally:
            # Only now, so that the copy takes none of this machine from the answer.
            if shadow is not None:
                self._copy(endpoint, shadow, headers, body)
        self._capture.observe(endpoint, variant, headers, body, answer)
        return 200, _answer_headers(variant, headers, answer), answer.body

    def _endpoint(self, place: Place, name: str) -> Endpoint:
        endpoint = self._hosting.store.at(place).endpoints.get(name)
        if endpoint is None or endpoint.traffic is None:
            raise _validation(f"Endpoint {name} of account {place.account} not found.")
        return endpoint

    def _answering(self, endpoint: Endpoint, headers: Mapping[str, str]) -> Variant:
        """Return who answers: a variant, or the copies of an inference component, on an endpoint that hosts them."""
        name = headers.get(f"{_PREFIX}inference-component")
        hosts = endpoint.fleet is not None and endpoint.fleet.hosts_components
        if name is None and not hosts:
            return self._variant(endpoint, headers.get(f"{_PREFIX}target-variant"))
        if name is None or not hosts:
            raise _validation(COMPONENT_NEEDED if hosts else COMPONENT_FORBIDDEN)
        component = self._hosting.store.at(endpoint.place).components.get(name)
        if component is None or component.endpoint_name != endpoint.name:
            # The words are a guess, made from those for a variant.
            raise _validation(f"Inference Component {name} of endpoint {endpoint.name} not found.")
        if component.traffic is None:
            self._components.refused(component)
            raise _validation(NO_CAPACITY)
        return component.traffic.choose(None, self._hosting.dice)

    def _variant(self, endpoint: Endpoint, target: str | None) -> Variant:
        if endpoint.traffic is None:
            raise _validation(f"Endpoint {endpoint.name} of account {endpoint.place.account} not found.")
        try:
            return endpoint.traffic.choose(target, self._hosting.dice)
        except NoVariantError:
            what = f"Variant {target}" if target is not None else "A variant with any weight"
            raise _validation(
                f"{what} of endpoint {endpoint.name} of account {endpoint.place.account} not found."
            ) from None

    def _shadow(self, endpoint: Endpoint, variant: Variant) -> Variant | None:
        return None if endpoint.traffic is None else endpoint.traffic.shadow_of(variant, self._hosting.dice)

    def _copy(self, endpoint: Endpoint, shadow: Variant, headers: Mapping[str, str], body: bytes) -> None:
        async def ask() -> None:
            # Whatever becomes of a copy, no caller hears of it.
            with contextlib.suppress(ApiError):
                answer = await self._answer(endpoint, shadow, headers, body)
                self._capture.observe(endpoint, shadow, headers, body, answer)

        task = asyncio.create_task(ask())
        self._copies.add(task)
        task.add_done_callback(self._copies.discard)

    async def _answer(
        self,
        endpoint: Endpoint,
        variant: Variant,
        headers: Mapping[str, str],
        body: bytes,
        *,
        container: str | None = None,
    ) -> Reply:
        most = variant.settings.get("ServerlessConfig", {}).get("MaxConcurrency")
        if most is not None and variant.in_flight >= most:
            raise ApiError("ThrottlingException", "Rate exceeded")
        with _explained(endpoint, variant), self._hosting.meter.invocation(endpoint, variant) as measured:
            await _awake(variant)
            measured.asked()
            return await variant.invoke(body, _forwarded(headers), container=container)

    async def _stream(
        self,
        endpoint: Endpoint,
        variant: Variant,
        headers: Mapping[str, str],
        body: bytes,
        *,
        container: str | None,
    ) -> StreamedResponse:
        if "ServerlessConfig" in variant.settings:
            raise _validation("Response streaming is not supported for serverless endpoints.")
        if variant.multi_model:
            raise _validation("Response streaming is not supported for multi-model endpoints.")
        # Unlike InvokeEndpoint, this operation has a header of its own for what the caller accepts.
        asked = {**headers, "accept": headers.get(f"{_PREFIX}accept", "*/*")}
        with _explained(endpoint, variant), self._hosting.meter.invocation(endpoint, variant) as measured:
            measured.asked()
            answer = await variant.stream(body, _forwarded(asked), container=container)
        given = _answer_headers(variant, headers, answer)
        given[f"{_PREFIX}content-type"], given["content-type"] = given["content-type"], event_stream.CONTENT_TYPE
        return 200, given, answer.send


@contextlib.contextmanager
def _explained(endpoint: Endpoint, variant: Variant) -> Iterator[None]:
    try:
        yield
    except ServerDownError:
        message = f"The server of variant {variant.name} is down and is being restarted."
        raise ApiError("ServiceUnavailable", message, 503) from None
    except ArchiveError as error:
        raise _validation(str(error)) from None
    except ModelNotReadyError:
        message = f"The model that endpoint {endpoint.name} was asked for is not ready: wait and try again."
        raise ApiError("ModelNotReadyException", message, 429) from None
    except ContainerError as error:
        raise _model_error(endpoint, variant, error) from None


def _check_request(headers: Mapping[str, str], body: bytes) -> None:
    for name in _UNMODELLED:
        if f"{_PREFIX}{name}" in headers:
            raise _validation(not_modelled(f"InvokeEndpoint: header {_PREFIX}{name}").message)
    if len(body) > _MOST_BYTES:
        raise _validation(
            "1 validation error detected: Value at 'body' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_MOST_BYTES}"
        )


async def _awake(variant: Variant) -> None:
    try:
        async with asyncio.timeout(INVOCATION_SECONDS):
            await variant.wake()
    except TimeoutError:
        message = f"The resources of variant {variant.name} are still being provisioned. Wait and try again."
        raise ApiError("ModelNotReadyException", message, 429) from None
    except StartupError as error:
        text = f"The container did not pass the ping health check. {error}"
        raise ContainerError(variant.containers[0].name, body=text.encode()) from None


def _target_container(endpoint: Endpoint, variant: Variant, headers: Mapping[str, str]) -> str | None:
    """Return the container that the caller names; that wrong names are refused AWS documents, the words are a guess."""
    target = headers.get(f"{_PREFIX}target-container-hostname")
    if not variant.direct and target is not None:
        raise _validation(
            f"Endpoint {endpoint.name} is not a multi-container endpoint with direct invocation and does not support "
            "target container hostname header."
        )
    if variant.direct and target is None:
        raise _validation(
            f"Endpoint {endpoint.name} is a multi-container endpoint with direct invocation: target container hostname "
            "header is required."
        )
    if target is not None and target not in [container.name for container in variant.containers]:
        raise _validation(f"Container {target} of endpoint {endpoint.name} not found.")
    return target


def _check_target_model(endpoint: Endpoint, variant: Variant, headers: Mapping[str, str]) -> None:
    named = TARGET_MODEL in headers
    if named and not variant.multi_model:
        raise _validation(
            f"Endpoint {endpoint.name} is not a multi-model endpoint and does not support target model header."
        )
    if variant.multi_model and not named:
        raise _validation(f"Request {uuid.uuid4()} is missing a target model header.")


def _forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    names = ("content-type", "accept", f"{_PREFIX}custom-attributes", f"{_PREFIX}inference-id", TARGET_MODEL)
    return {"accept": "*/*"} | {name: headers[name] for name in names if name in headers}


def _answer_headers(variant: Variant, headers: Mapping[str, str], answer: Reply | StreamedAnswer) -> dict[str, str]:
    # The lower-case name keeps the emulator from rewriting the model's content type into the control plane's.
    given = {"content-type": answer.headers.get("content-type", "application/octet-stream")}
    given["x-amzn-invoked-production-variant"] = variant.name
    for name in (f"{_PREFIX}custom-attributes", f"{_PREFIX}inference-id"):
        value = answer.headers.get(name, headers.get(name) if name.endswith("inference-id") else None)
        if value is not None:
            given[name] = value
    return given


def _model_error(endpoint: Endpoint, variant: Variant, error: ContainerError) -> ApiError:
    place = endpoint.place
    message = model_error.in_words(place, endpoint.name, error)
    group = model_error.log_group(endpoint.name)
    fields = {
        "Message": message,
        "OriginalStatusCode": error.status,
        "OriginalMessage": model_error.said(error),
        "LogStreamArn": place.arn("logs", f"log-group:{group}:log-stream:{variant.log_stream(error.container)}"),
    }
    return ApiError("ModelError", message, 424, fields)


def _validation(message: str) -> ApiError:
    return ApiError("ValidationError", message)
