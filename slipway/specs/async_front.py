"""An HTTPS address in front of an asynchronous endpoint."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from slipway.specs.front import BaseFront


class AsyncFront(BaseFront):
    """An HTTPS address in front of the endpoint: POST submits a request, GET on the id that it is given polls."""

    impossible: ClassVar[dict[str, str]] = {
        "response": "an asynchronous answer is fetched when it is there: remove the key, or use kind: realtime",
    }
    reasons: ClassVar[dict[str, str]] = {
        **BaseFront.reasons,
        "timeout_seconds": "submitting and polling take moments; the model's own time is 'invocation_timeout_seconds'",
    }

    timeout_seconds: Annotated[int, Field(ge=5, le=29)] = 10
    """What the caller waits at most for an id, or to hear whether there is an answer; the function gets a second
    less."""
    request_ttl_seconds: Annotated[int, Field(ge=60, le=21_600)] = 21_600
    """How long a request may wait in the queue; then it is answered with 410. Source: SageMaker keeps it six hours at
    most."""
    invocation_timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 900
    """How long the model may take for a request. Source: SageMaker gives it an hour at most."""
