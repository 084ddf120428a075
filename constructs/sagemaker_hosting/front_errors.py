"""The gateway's own answers, in the words and the form of the functions behind it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from aws_cdk import aws_apigateway as apigateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.specs.front import BaseFront
    from slipway.specs.front_parts import Cors

# A message is JSON already: ours in quotes, AWS's as messageString, which brings its own.
TOO_MANY: Final = 429
REQUEST: Final = "invalid_request_error"
AS_AWS_SAYS: Final = "$context.error.messageString"


class Answer(NamedTuple):
    """What is said when the gateway answers itself.

    Args:
        kind: API Gateway's name of the case.
        status: None where AWS's own stays, as for those that have no words of their own.
        code: For programs.
        message: For people, as JSON.
    """

    kind: str
    status: int | None
    code: str
    message: str


ALWAYS: Final = (
    Answer("DEFAULT_4XX", None, "refused", AS_AWS_SAYS),
    Answer("DEFAULT_5XX", None, "internal", AS_AWS_SAYS),
    Answer("INTEGRATION_TIMEOUT", 504, "timeout", '"the model did not answer in time"'),
    Answer("THROTTLED", 429, "throttled", '"too many requests: wait and try again"'),
)
KEYS: Final = (
    Answer("INVALID_API_KEY", 403, "forbidden", '"no such API key"'),
    Answer("QUOTA_EXCEEDED", 429, "quota_exceeded", '"the key\'s requests of this period are used up"'),
)
SCHEMA: Final = Answer("BAD_REQUEST_BODY", 400, "invalid_input", '"the body does not satisfy the schema"')
TOKEN: Final = Answer("UNAUTHORIZED", 401, "unauthorized", '"no valid token"')
FILTER: Final = Answer("WAF_FILTERED", 403, "filtered", '"refused by the web ACL"')


def explain_errors(api: apigateway.RestApi, front: BaseFront) -> None:
    """Let an API answer its own errors as JSON with a code, a message and the request's id.

    Args:
        api: Whose answers they are.
        front: Which errors it can meet, and whose scripts may read them.
    """
    for answer in _answers(front):
        retry = {"Retry-After": "'1'"} if answer.kind == "THROTTLED" else {}
        api.add_gateway_response(
            f"Error{''.join(part.capitalize() for part in answer.kind.split('_'))}",
            type=apigateway.ResponseType.of(answer.kind),
            status_code=None if answer.status is None else str(answer.status),
            response_headers={"X-Request-Id": "context.requestId", **_readable(front.cors), **retry},
            templates={"application/json": _chat_body(answer) if front.chats else _body(answer)},
        )


def _answers(front: BaseFront) -> Iterator[Answer]:
    yield from ALWAYS
    if front.auth == "api-key":
        yield from KEYS
    if front.auth == "cognito":
        yield TOKEN
    if front.request_schema is not None:
        yield SCHEMA
    if front.web_acl is not None:
        yield FILTER


def _body(answer: Answer) -> str:
    detail = ',"detail":"$context.error.validationErrorString"' if answer is SCHEMA else ""
    error = f'{{"code":{json.dumps(answer.code)},"message":{answer.message}{detail}}}'
    return f'{{"error":{error},"request_id":"$context.requestId"}}'


def _chat_body(answer: Answer) -> str:
    """Write it as OpenAI's clients read errors."""
    kind = "rate_limit_error" if answer.status == TOO_MANY else "server_error" if _servers(answer) else REQUEST
    return f'{{"error":{{"message":{answer.message},"type":"{kind}","param":null,"code":{json.dumps(answer.code)}}}}}'


def _servers(answer: Answer) -> bool:
    return answer.kind in {"DEFAULT_5XX", "INTEGRATION_TIMEOUT"}


def _readable(cors: Cors | None) -> dict[str, str]:
    if cors is None:
        return {}
    # These answers hold nothing private, and a header can only be one text: with several origins it is the asker's.
    origin = f"'{cors.origins[0]}'" if len(cors.origins) == 1 else "method.request.header.Origin"
    return {"Access-Control-Allow-Origin": origin, "Vary": "'Origin'"}
