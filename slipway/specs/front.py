"""An HTTPS address in front of an endpoint."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from slipway.specs.base import Findings, Name, Spec
from slipway.specs.front_parts import Cognito, Cors, Domain, Private, Throttle, Usage, Waf
from slipway.specs.front_rules import check_auth, check_patience, check_places
from slipway.specs.request_schema import check_request_schema
from slipway.specs.text import Distinct, Shape

Auth = Literal["iam", "api-key", "cognito", "none"]
FrontPath = Annotated[
    str,
    Shape(
        r"^(/[a-z0-9][a-z0-9_-]{0,62}){1,4}$",
        "a path of one to four parts, such as /embed: lower-case letters, digits, hyphens and underscores, at most 63 a"
        " part",
    ),
    Field(examples=["/embed"]),
]


class BaseFront(Spec):
    """What every front has."""

    reasons: ClassVar[dict[str, str]] = {
        "timeout_seconds": "SageMaker ends a stream after eight minutes, which leaves the caller 482 s",
        "keys": "each is a key of its own, so that one can be exchanged for another",
    }

    path: FrontPath
    """Path that takes POST requests."""
    auth: Auth = "iam"
    """``iam``: callers sign their requests and need execute-api:Invoke. ``api-key``: they send a key that a usage plan
    counts. ``cognito``: they send an access token of a user pool. ``none``: anybody may call."""
    keys: Annotated[tuple[Name, ...], Field(min_length=1, max_length=10), Distinct()] | None = None
    """With ``auth: api-key``: who gets a key. Default: one, called ``default``."""
    usage: Usage | None = None
    """With ``auth: api-key``: how much each key may be used. Default: only ``throttle`` bounds it."""
    cognito: Cognito | None = None
    """With ``auth: cognito``: whose tokens get in."""
    open_because: Annotated[str, Field(min_length=10, max_length=200)] | None = None
    """With ``auth: none``: why anybody may call. A production environment says it again in its own file."""
    timeout_seconds: Annotated[int, Field(ge=3, le=482)] = 10
    """What the caller waits at most, for the whole of a stream; the function gets a second less, the model two. Above
    62 for streams only."""
    raised_integration_limit: bool = False
    """Whether the account's quota for the integration time-out of REST APIs was raised, so that ``timeout_seconds``
    may exceed 29. It can be for regional and private APIs; without it CloudFormation fails."""
    throttle: Throttle = Throttle()
    waf: Waf | None = None
    """What filters requests before they are counted. Default: a web ACL where ``auth`` is ``api-key`` or ``none``."""
    request_schema: dict[str, Any] | None = None
    """JSON Schema (draft 4) that a JSON body must satisfy, checked before the model is asked; other content types pass.
    Default: only the model's server judges bodies."""
    cors: Cors | None = None
    """Absent: browsers let no other site's scripts call."""
    domain: Domain | None = None
    """Absent: AWS names the address."""
    private: Private | None = None
    """Absent: the address is reached from the internet."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        check_auth(findings, self)
        check_patience(findings, self)
        check_places(findings, self)
        if self.request_schema is not None:
            check_request_schema(findings, ("request_schema",), self.request_schema)
        findings.refuse()
        return self

    @property
    def callers(self) -> tuple[str, ...]:
        """Who gets an API key."""
        if self.auth != "api-key":
            return ()
        return ("default",) if self.keys is None else self.keys

    @property
    def model_seconds(self) -> int:
        """What the model gets of the caller's patience."""
        return self.timeout_seconds - 2

    @property
    def web_acl(self) -> Waf | None:
        """What filters requests; None where nothing does."""
        if self.waf is None:
            return Waf() if self.auth in {"api-key", "none"} else None
        return self.waf if self.waf.off_because is None else None

    @property
    def streams(self) -> bool:
        """Whether answers come piece by piece."""
        return False

    @property
    def chats(self) -> bool:
        """Whether requests and answers are OpenAI's."""
        return False


class Front(BaseFront):
    """An HTTPS address in front of the endpoint: API Gateway and a Lambda function."""

    response: Literal["buffered", "stream"] = "buffered"
    """``buffered``: the answer comes when it is whole. ``stream``: each piece comes as the model sends it; our own
    server sends a line of JSON for each input where the caller accepts ``application/jsonlines``."""
    style: Literal["plain", "chat"] = "plain"
    """``plain``: requests and answers are the model server's own. ``chat``: they are OpenAI's chat completions, checked
    before the model is asked, streamed as server-sent events where a request says ``stream: true``; errors have
    OpenAI's form too. With ``response: stream``, for ``server: lmi``."""

    @model_validator(mode="after")
    def _talks(self) -> Self:
        findings = Findings()
        if self.style == "chat" and not self.streams:
            findings.add(("style",), "'chat' lets each request choose whether it streams: add 'response: stream'")
        if self.style == "chat" and self.request_schema is not None:
            findings.add(("request_schema",), "'style: chat' checks OpenAI's schema itself: remove the key")
        findings.refuse()
        return self

    @property
    def streams(self) -> bool:
        """Whether answers come piece by piece."""
        return self.response == "stream"

    @property
    def chats(self) -> bool:
        """Whether requests and answers are OpenAI's."""
        return self.style == "chat"
