"""What fronts are made of."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from slipway.specs.base import Spec
from slipway.specs.text import Distinct, Shape

Origin = Annotated[
    str,
    Shape(
        r"^(\*|https?://[a-z0-9.-]+(:[0-9]{1,5})?)$",
        "an origin, such as https://app.example.com: scheme, host and port only, in lower case, or '*'",
    ),
]
UserPool = Annotated[
    str,
    Shape(
        r"^arn:aws[a-z-]*:cognito-idp:[a-z0-9-]+:[0-9]{12}:userpool/[A-Za-z0-9_-]+$",
        "a user pool's ARN, such as arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_AbCdEf123",
    ),
]
Scope = Annotated[str, Shape(r"^[\x21\x23-\x5b\x5d-\x7e]{1,256}$", "a scope, such as models/ask: no spaces or quotes")]
Certificate = Annotated[
    str,
    Shape(
        r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+$",
        "a certificate's ARN, such as arn:aws:acm:eu-west-1:111122223333:certificate/0a1b2c3d",
    ),
]
DomainName = Annotated[
    str,
    Shape(
        r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$",
        "a domain's name in lower case, such as models.example.com",
    ),
    Field(max_length=253),
]
HostedZone = Annotated[str, Shape(r"^Z[A-Z0-9]{1,31}$", "a hosted zone's id, such as Z0123456789ABCDEFGHIJ")]
VpcEndpoint = Annotated[str, Shape(r"^vpce-[0-9a-z]{3,17}$", "a VPC endpoint's id, such as vpce-0a1b2c3d4e5f60718")]
WebAcl = Annotated[
    str,
    Shape(
        r"^arn:aws[a-z-]*:wafv2:[a-z0-9-]+:[0-9]{12}:regional/webacl/[A-Za-z0-9_-]{1,128}/[a-z0-9-]{1,64}$",
        "a regional web ACL's ARN, such as arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/NAME/ID",
    ),
]


class Throttle(Spec):
    """How many requests the front lets through."""

    rate_per_second: Annotated[int, Field(ge=1, le=10_000)] = 50
    """Requests a second in the long run; more are answered with 429."""
    burst: Annotated[int, Field(ge=1, le=5_000)] = 100
    """Requests that may come at once."""


class Usage(Spec):
    """How many requests each API key is good for."""

    requests: Annotated[int, Field(ge=1, le=2_000_000_000)]
    """More are answered with 429 until the next period begins."""
    per: Literal["day", "week", "month"]
    """When counting begins anew, in UTC."""


class Cognito(Spec):
    """Whose tokens get in."""

    user_pool_arn: UserPool
    """Its app clients hand out the tokens."""
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=10), Distinct()]
    """Of a resource server of the pool; an access token needs one of them. Without one, any user's would do."""


class Waf(Spec):
    """A web ACL: AWS's common rules and IP reputation list, and a bound on each address."""

    reasons: ClassVar[dict[str, str]] = {"rate_limit_per_5_minutes": "AWS WAF counts from 10 to 2 billion"}

    rate_limit_per_5_minutes: Annotated[int, Field(ge=10, le=2_000_000_000)] | None = None
    """Requests that one IP address may send in five minutes; more are answered with 429. Default: 2,000."""
    web_acl_arn: WebAcl | None = None
    """A web ACL that is there already, instead of one of the front's own."""
    off_because: Annotated[str, Field(min_length=10, max_length=200)] | None = None
    """Why nothing filters requests, where a web ACL would be the default."""


class Cors(Spec):
    """Which sites' scripts may call from a browser."""

    origins: Annotated[tuple[Origin, ...], Field(min_length=1, max_length=20), Distinct()]
    """Sites, or ``'*'`` alone for every site, which only a front without authentication accepts."""
    max_age_seconds: Annotated[int, Field(ge=0, le=86_400)] = 600
    """How long a browser remembers the answer to its preflight request."""


class Domain(Spec):
    """An address of your own."""

    name: DomainName
    """The host's name; nothing but this front answers there, and the front nowhere else."""
    certificate_arn: Certificate
    """In ACM, in the environment's region, for this name."""
    hosted_zone_id: HostedZone | None = None
    """The Route 53 zone that gets an alias record. Default: the record is yours to make."""


class Private(Spec):
    """An address that only VPCs reach."""

    vpc_endpoint_ids: Annotated[tuple[VpcEndpoint, ...], Field(min_length=1, max_length=20), Distinct()]
    """Interface endpoints of execute-api; requests through any other are refused."""
