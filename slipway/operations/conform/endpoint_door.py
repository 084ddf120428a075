"""Asks an endpoint as its callers do: through InvokeEndpoint."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from slipway.operations.conform.answer import PATIENCE_SECONDS, Answer, NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.operations.conform.door import Example

_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"


class EndpointDoor:
    """Asks one endpoint.

    Args:
        client: Of ``sagemaker-runtime``.
        target: Which endpoint, and which variant, model, container or component of it, in boto3's words.
    """

    def __init__(self, client: Any, target: dict[str, str]) -> None:
        self._client = client
        self._target = target

    def ask(self, example: Example, *, attributes: str | None = None, seconds: float = PATIENCE_SECONDS) -> Answer:  # noqa: ARG002  the client has its own
        """Ask, and return what the model said, also where that is an error."""
        more = {} if attributes is None else {"CustomAttributes": attributes}
        began = time.monotonic()
        try:
            reply = self._client.invoke_endpoint(**self._words(example), **more)
        except ClientError as error:
            return _refusal(error, time.monotonic() - began)
        except BotoCoreError as error:
            raise NoAnswerError(f"the endpoint cannot be reached: {error}") from error
        body: bytes = reply["Body"].read()
        headers = {"content-type": reply.get("ContentType", "")}
        if reply.get("CustomAttributes"):
            headers[_ATTRIBUTES] = reply["CustomAttributes"]
        return Answer(200, headers, body, time.monotonic() - began)

    def stream(self, example: Example) -> Iterator[tuple[float, bytes]]:
        """Ask with InvokeEndpointWithResponseStream, and give the parts as they come."""
        began = time.monotonic()
        try:
            reply = self._client.invoke_endpoint_with_response_stream(**self._words(example))
            for event in reply["Body"]:
                yield time.monotonic() - began, event["PayloadPart"]["Bytes"]
        except (ClientError, BotoCoreError) as error:
            raise NoAnswerError(f"the stream was refused or broke: {error}") from error

    def _words(self, example: Example) -> dict[str, Any]:
        accept = {} if example.accept is None else {"Accept": example.accept}
        return {**self._target, "Body": example.body, "ContentType": example.content_type, **accept}


def _refusal(error: ClientError, seconds: float) -> Answer:
    """Return what the model said; SageMaker's own refusals have no status of a model and keep theirs."""
    answer: dict[str, Any] = dict(error.response)
    status = answer.get("OriginalStatusCode") or answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    said = answer.get("OriginalMessage") or answer.get("Error", {}).get("Message", "")
    return Answer(int(status), {}, str(said).encode(), seconds)
